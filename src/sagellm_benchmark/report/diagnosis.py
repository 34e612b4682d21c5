"""The doctor's findings as a screen and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from sagellm_benchmark.doctor import Finding, State


def render(findings: Iterable[Finding]) -> str:
    """Return the screen: what is blocked stands out, and each `next` stands below its line."""
    marks = {State.OK: "ok     ", State.NOTE: "note   ", State.BLOCKED: "BLOCKED"}
    lines = []
    for finding in findings:
        lines.append(f"{marks[finding.state]}  {finding.about:<18}{finding.said}")
        if finding.next:
            lines.append(f"{'':27}→ {finding.next}")
    return "\n".join(lines)


def summary(findings: Iterable[Finding]) -> dict[str, object]:
    """`blocked` lists what stands in the way, by name."""
    found = list(findings)
    blocked = [finding.about for finding in found if finding.state is State.BLOCKED]
    return {"findings": [asdict(finding) for finding in found], "blocked": blocked}
