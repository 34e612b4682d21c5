"""When not to believe a run. Pure: evidence in, reasons out, each naming the next action."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain

from sagellm_benchmark.verdict import client, load, machine, nodes, physics, prompts, requests, streams
from sagellm_benchmark.verdict.evidence import Evidence, Findings, Limit, NotChecked, Verdict

Check = Callable[[Evidence], Findings]

CHECKS: tuple[Check, ...] = (
    requests.finished,
    requests.answered,
    requests.counted,
    streams.streamed,
    streams.began_when_it_said,
    streams.came_one_by_one,
    prompts.uncached,
    requests.lengths,
    streams.ended_with_its_text,
    streams.token_truth,
    streams.text_holds_the_tokens,
    streams.answers_say_something,
    streams.is_the_model,
    nodes.all_there,
    nodes.one_clock,
    nodes.undisturbed,
    client.clocks,
    client.was_clean,
    load.rate_was_reached,
    load.littles_law,
    load.steady,
    physics.memory_feeds_it,
    machine.was_free,
    machine.accelerators_were_ours,
)

NOT_THE_SERVERS: Mapping[Check, Limit] = {
    machine.was_free: "machine",
    client.was_clean: "client",
    load.rate_was_reached: "client",
}
"""Checks whose reasons speak against what measured, and not against what was measured."""


def judge(evidence: Evidence, checks: Sequence[Check] | None = None) -> Verdict:
    """Put the evidence to every check, in their order; those of CHECKS unless others are given."""
    asked = CHECKS if checks is None else checks
    found = {check: list(check(evidence)) for check in asked}
    findings = list(chain.from_iterable(found.values()))
    gave_out = (limit for check, limit in NOT_THE_SERVERS.items() if _speaks(found.get(check, [])))
    return Verdict(
        reasons=tuple(finding for finding in findings if isinstance(finding, str)),
        not_checked=tuple(finding.why for finding in findings if isinstance(finding, NotChecked)),
        limited_by=next(gave_out, None),
    )


def _speaks(findings: Sequence[str | NotChecked]) -> bool:
    """Tell whether one of them is a reason against the run."""
    return any(isinstance(finding, str) for finding in findings)


def cancels_in_turn(reason: str) -> bool:
    """Tell whether what a reason says befalls two servers alike that are measured in turn."""
    return reason.startswith((load.UNSTEADY, machine.BUSY))
