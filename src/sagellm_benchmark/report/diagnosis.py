"""The doctor's findings as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from sagellm_benchmark.doctor import Finding, State
from sagellm_benchmark.files import Document
from sagellm_benchmark.text import wide
from sagellm_benchmark.words import retold, t


def render(findings: Iterable[Finding]) -> str:
    """Return the findings as text: what is blocked stands out, and each `next` is below its line."""
    marks = {State.OK: t("ok"), State.NOTE: t("note"), State.BLOCKED: t("BLOCKED")}
    widest = max(map(wide, marks.values()))
    lines = []
    for finding in findings:
        mark = marks[finding.state] + " " * (widest - wide(marks[finding.state]))
        about = t(finding.about)
        lines.append(f"{mark}  {about}{' ' * (18 - wide(about))}{retold(finding.said)}")
        if finding.next:
            lines.append(f"{'':{widest + 20}}→ {retold(finding.next)}")
    return "\n".join(lines)


def summary(findings: Iterable[Finding]) -> Document:
    """Return the findings as data; `blocked` lists the names of those that are in the way."""
    found = list(findings)
    blocked = [finding.about for finding in found if finding.state is State.BLOCKED]
    return {"findings": [asdict(finding) for finding in found], "blocked": blocked}
