"""When not to believe a run. Pure: evidence in, reasons out, each of which names the next action."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain

from sagellm_benchmark.verdict import client, load, machine, nodes, physics, prompts, requests, streams
from sagellm_benchmark.verdict.evidence import Bottleneck, Evidence, Findings, NotChecked, Verdict

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

NOT_THE_SERVERS: Mapping[Check, Bottleneck] = {
    machine.was_free: "machine",
    client.was_clean: "client",
    load.rate_was_reached: "client",
}
"""Checks whose reasons concern the client or its machine and not the server, with what reached its limit there."""


def judge(evidence: Evidence, checks: Sequence[Check] | None = None) -> Verdict:
    """Return the verdict of every check on the evidence, in order; of CHECKS unless others are given."""
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
    """Return whether one of the findings is a reason against the run."""
    return any(isinstance(finding, str) for finding in findings)


def cancels_in_turn(reason: str) -> bool:
    """Return whether a reason affects two servers alike if they are measured in turn."""
    return reason.startswith((load.UNSTEADY, machine.BUSY))
