"""Whether intervals cover and tests find what they should: tables of simulated runs whose truth is known.

    python -m scripts.statistics_tables                # the tables; exit code 1 if docs/statistics.md has others
    python -m scripts.statistics_tables --times 100    # quicker and coarser

Every figure comes from `--times` experiments with fixed seeds, so the same version gives the same tables anywhere.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from tests.fakes import rounds, series

from sagellm_benchmark.text import markdown_row
from sagellm_benchmark.verdict import intervals, steadiness
from sagellm_benchmark.verdict.cached import RepeatTest
from sagellm_benchmark.verdict.columns import Floats

PAGE = Path(__file__).parent.parent / "docs" / "statistics.md"
TIMES = 500  # experiments for each figure there
SIZES = (10, 30, 60, 100, 200, 500, 1000)
DRIFT_SIZES = (100, 200, 500)
DRIFT = 0.3
SEED = 20_260_101
ENOUGH = 200  # experiments where each is of whole runs
NOISES = (0.005, 0.02, 0.05)
SAID = ("faster", "slower", "cannot tell")


def plain(values: Floats, _: int = 1) -> tuple[float, float]:
    """What takes latencies for independent and normal."""
    half = 1.96 * float(values.std(ddof=1)) / len(values) ** 0.5
    return float(values.mean()) - half, float(values.mean()) + half


def coverage(times: int) -> Iterator[str]:
    """How often an interval holds the true mean, in percent, ours and the naive one at the largest size."""
    yield markdown_row("latencies", *(f"n = {n}" for n in SIZES), "naive, n = 500")
    yield markdown_row(*["---"] * (len(SIZES) + 2))
    for one in series.COVERED:
        shares = [series.coverage(one, intervals.mean, n, times, SEED) for n in SIZES]
        naive = series.coverage(one, plain, 500, times, SEED)
        yield markdown_row(one.name, *(f"{share * 100:.1f}" for share in (*shares, naive)))


def widths(times: int) -> Iterator[str]:
    """Half of an interval's width in percent of the true mean, the median one; of a closed loop both ways."""
    yield markdown_row("latencies", *(f"n = {n}" for n in SIZES[1:]))
    yield markdown_row(*["---"] * len(SIZES))
    alone = replace(series.BATCHES, name=f"{series.BATCHES.name}, not told of rounds", streams=1)
    for one in (*series.COVERED, alone):
        halves = [series.half_width(one, intervals.mean, n, min(times, ENOUGH), SEED) for n in SIZES[1:]]
        yield markdown_row(one.name, *(f"{half * 100:.1f}" for half in halves))


def drift(times: int) -> Iterator[str]:
    """How often a run is called unsteady, in percent: where nothing changes, and where something does."""
    yield markdown_row("latencies", "truth", *(f"n = {n}" for n in DRIFT_SIZES))
    yield markdown_row(*["---"] * (len(DRIFT_SIZES) + 2))
    for one in (*(series.md1(load) for load in (0.5, 0.7, 0.8, 0.9)), series.WAVES, series.AUTOREGRESSIVE):
        yield markdown_row(one.name, "steady", *(f"{_alarms(one.draw, n, times):.1f}" for n in DRIFT_SIZES))
    for spread in (0.1, 0.2, 0.4):
        name = f"independent, varying by {spread:.0%}"
        yield markdown_row(
            name, f"+{DRIFT:.0%}", *(f"{_alarms(_growing(spread), n, times):.1f}" for n in DRIFT_SIZES)
        )
    for spread in (0.1, 0.2, 0.4):
        name = f"independent, varying by {spread:.0%}"
        yield markdown_row(
            name, "+40% from 60% on", *(f"{_alarms(_stepping(spread), n, times):.1f}" for n in DRIFT_SIZES)
        )
    yield markdown_row(
        "overloaded queue, ρ 1.2",
        "grows",
        *(f"{_alarms(series.overloaded, n, times):.1f}" for n in DRIFT_SIZES),
    )


def _growing(spread: float) -> Callable[[int, series.Rng], Floats]:
    return lambda n, rng: series.drifting(series.steady(n, rng, spread), DRIFT)


def _stepping(spread: float) -> Callable[[int, series.Rng], Floats]:
    def draw(n: int, rng: series.Rng) -> Floats:
        values = series.steady(n, rng, spread)
        return np.where(np.arange(n) < 0.6 * n, values, 1.4 * values)

    return draw


def _alarms(draw: Callable[[int, series.Rng], Floats], n: int, times: int) -> float:
    rng = np.random.default_rng(SEED)
    trends = [steadiness.trend(np.arange(float(n)), draw(n, rng)) for _ in range(times)]
    return 100 * sum(one is not None and one.real for one in trends) / times


def caches(times: int) -> Iterator[str]:
    """How often a run is said to be answered from a cache, in percent, by how many of its prompts were."""
    sizes, shares = (8, 16, 32), (0.0, 0.4, 1.0)
    yield markdown_row("TTFT", "from the cache", *(f"{n} prompts twice" for n in sizes))
    yield markdown_row(*["---"] * (len(sizes) + 2))
    for name, draw in series.TTFTS.items():
        for share in shares:
            yield markdown_row(
                name, f"{share:.0%}", *(f"{_accused(draw, share, n, times):.1f}" for n in sizes)
            )


def _accused(draw: Callable[[int, series.Rng], Floats], share: float, n: int, times: int) -> float:
    rng, accused = np.random.default_rng(SEED), 0
    for _ in range(times):
        test = RepeatTest.of(draw(n, rng), series.cached_share(draw(n, rng), share, rng))
        accused += test.answered(series.cached_share(draw(50, rng), share, rng)) > 0
    return 100 * accused / times


def same_server(times: int) -> Iterator[str]:
    """How often two runs of one server cannot be told apart, in percent; a single run has 60 requests."""
    repeats = (1, 2, 3, 5, 10)
    yield markdown_row("repeats differ by", *("a single run" if n == 1 else f"{n} repeats" for n in repeats))
    yield markdown_row(*["---"] * (len(repeats) + 1))
    times = min(times, ENOUGH)
    for noise in NOISES:
        shares = [_one_after_the_other(1.0, noise, n, times)[2] for n in repeats]
        yield markdown_row(f"{noise:.1%}", *(f"{share:.1f}" for share in shares))


def _one_after_the_other(true: float, noise: float, repeats: int, times: int) -> tuple[float, ...]:
    machine = rounds.Machine(noise if repeats > 1 else 0.0, spread=noise, requests=5 if repeats > 1 else 60)
    rng = np.random.default_rng(SEED)
    return rounds.shares([machine.one_after_the_other(true, repeats, rng) for _ in range(times)])


def as_asked(times: int) -> Iterator[str]:
    """How often a server that is 5 % slower is found to be, in percent, by the repeats that a first look asked for."""
    first = (3, 5, 10)
    yield markdown_row("repeats differ by", *(f"first look: {n} repeats" for n in first))
    yield markdown_row(*["---"] * (len(first) + 1))
    times = min(times, ENOUGH)
    for noise in NOISES:
        machine, rng = rounds.Machine(noise, spread=noise), np.random.default_rng(SEED)
        found = [rounds.shares([machine.as_asked(1.05, n, rng) for _ in range(times)])[1] for n in first]
        yield markdown_row(f"{noise:.1%}", *(f"{share:.1f}" for share in found))


def in_turn(times: int) -> Iterator[str]:
    """What is said of a server that is 3 % quicker on a machine that drifts, and of the same one, in percent."""
    yield markdown_row(
        "drift",
        *(f"{how}: {said}" for how in ("A, then B", "in turn") for said in SAID),
        "A with itself: cannot tell",
    )
    yield markdown_row(*["---"] * 8)
    times = min(times, ENOUGH)
    for name, drift in rounds.DRIFTS.items():
        machine, rng = rounds.Machine(0.01, drift=drift), np.random.default_rng(SEED)
        after = rounds.shares([machine.one_after_the_other(0.97, 10, rng) for _ in range(times)])
        turn = rounds.shares([machine.in_turn(0.97, 10, rng) for _ in range(times)])
        same = rounds.shares([machine.in_turn(1.0, 10, rng) for _ in range(times)])
        yield markdown_row(name, *(f"{share:.1f}" for share in (*after, *turn, same[2])))


def together(times: int) -> Iterator[str]:
    """The same where many requests of a round are slow or quick for one reason: a batch, a queue, a pause."""
    yield markdown_row(
        "depending on each other",
        *(f"10 rounds: {said}" for said in SAID),
        "as many as asked: faster",
        "A with itself: cannot tell",
    )
    yield markdown_row(*["---"] * 6)
    times = min(times, ENOUGH)
    for size, spread in ((1, 0.05), (8, 0.05), (32, 0.05), (8, 0.2)):
        machine = rounds.Machine(0.005, spread=spread, requests=32, together=size)
        rng = np.random.default_rng(SEED)
        ten = rounds.shares([machine.in_turn(0.97, 10, rng) for _ in range(times)])
        asked = rounds.shares([machine.in_turn_as_asked(0.97, 10, rng, 0.03) for _ in range(times // 4)])
        same = rounds.shares([machine.in_turn(1.0, 10, rng) for _ in range(times)])
        name = f"{size} of 32, by {spread:.0%}"
        yield markdown_row(name, *(f"{share:.1f}" for share in (*ten, asked[0], same[2])))


TABLES: dict[str, Callable[[int], Iterator[str]]] = {
    "Intervals of the mean: experiments in which a 95 % interval contains the true mean, percent": coverage,
    "Half the width of these intervals, percent of the mean": widths,
    "Drift: experiments that are called unsteady, percent": drift,
    "Caches: runs of 50 requests that are said to be answered from one, percent": caches,
    "Two runs of the same server: comparisons that cannot tell them apart, percent": same_server,
    "A server that is 5 % slower: comparisons that find it with the repeats they asked for, percent": as_asked,
    "A server that is 3 % quicker, 10 rounds, repeats differ by 1 %: what comparisons say, percent": in_turn,
    "The same if the requests of a round depend on each other, in turn, percent": together,
}


def main() -> None:
    """Print the tables as Markdown, and hold the documentation to them where they are as fine as its own."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=TIMES, metavar="N", help="experiments for each figure")
    times = parser.parse_args().times
    print(f"{times} experiments each; Python {platform.python_version()}, numpy {np.__version__}.")
    documented, others = PAGE.read_text(encoding="utf-8").splitlines(), 0
    for title, table in TABLES.items():
        print(f"\n### {title}\n")
        for line in table(times):
            print(line, flush=True)
            others += line not in documented
    if others and times == TIMES:
        sys.exit(f"docs/statistics.md lacks {others} of these lines: put the tables into it")


if __name__ == "__main__":
    main()
