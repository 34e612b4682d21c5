"""Measure two servers in turn, A B, B A, …, with the same prompts, so that a drift slows down both alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from sagellm_benchmark.errors import RemoteError
from sagellm_benchmark.runs import targets
from sagellm_benchmark.runs.listener import Listener
from sagellm_benchmark.runs.measure import Measuring
from sagellm_benchmark.runs.pipeline import Measured, computing
from sagellm_benchmark.runs.prepare import prepare
from sagellm_benchmark.runs.spec import RunSpec, shaped

ROUNDS = 10  # unless --repeats says otherwise


def in_turn(a: RunSpec, b: RunSpec, listener: Listener) -> tuple[Measured, Measured]:
    """Measure both specifications, each of one workload and one load, in as many rounds as `a` has repeats.

    Both are ordinary runs with a repeat for each round; after Ctrl-C, they hold the rounds that were finished. Raise
    RemoteError if there is no round in which both servers were measured.
    """
    with ExitStack() as stack:
        runs = [begun(spec, stack, listener) for spec in (a, b)]
        for one in runs:
            one.warm_up()
        _alternate(runs, a.repeats)
        if not all(one.loads for one in runs):
            raise RemoteError("there is no round in which both servers were measured", hint="run again")
        first, second = (Measured(one.folder, one.conclude()) for one in runs)
    return first, second


def begun(spec: RunSpec, stack: ExitStack, listener: Listener) -> Measuring:
    """Return a run of one workload and one load, with its server running and its prompts made.

    `stack` ends both.
    """
    (workload,), (shape,) = spec.workloads, spec.shapes
    servers = stack.enter_context(targets.of(spec, listener))
    asked = shaped(workload, shape)
    opened, folder = stack.enter_context(servers.open(asked, shape))
    server, chips = computing(opened, spec.hardware)
    context = prepare(server, asked, shape, spec, chips, folder)
    return stack.enter_context(Measuring(context, listener))


def _alternate(runs: list[Measuring], rounds: int) -> None:
    for turn in _turns(runs, rounds):
        if not turn.drive():
            return


def _turns(runs: list[Measuring], rounds: int) -> Iterator[Measuring]:
    """Yield A B, B A, A B, …: in two rounds, each goes first once."""
    for number in range(rounds):
        yield from runs if number % 2 == 0 else reversed(runs)
