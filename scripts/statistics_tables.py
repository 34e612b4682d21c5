"""Whether intervals cover and tests find what they should: tables of simulated runs whose truth is known.

    python -m scripts.statistics_tables                # the tables, for docs/statistics.md
    python -m scripts.statistics_tables --times 100    # quicker and coarser

Every figure comes from `--times` experiments with fixed seeds, so the same version gives the same tables anywhere.
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Callable, Iterator

import numpy as np
from tests.fakes import series

from sagellm_benchmark.verdict import intervals, steadiness
from sagellm_benchmark.verdict.cached import RepeatTest
from sagellm_benchmark.verdict.stats import Floats

SIZES = (10, 30, 60, 100, 200, 500, 1000)
DRIFT_SIZES = (100, 200, 500)
DRIFT = 0.3
SEED = 20_260_101


def plain(values: Floats) -> tuple[float, float]:
    """What takes latencies for independent and normal."""
    half = 1.96 * float(values.std(ddof=1)) / len(values) ** 0.5
    return float(values.mean()) - half, float(values.mean()) + half


def coverage(times: int) -> Iterator[str]:
    """How often an interval holds the true mean, in percent, ours and the naive one at the largest size."""
    yield _line("latencies", *(f"n = {n}" for n in SIZES), "naive, n = 500")
    yield _line(*["---"] * (len(SIZES) + 2))
    for one in (*series.COVERED, series.md1(0.9)):
        shares = [series.coverage(one, intervals.mean, n, times, SEED) for n in SIZES]
        naive = series.coverage(one, plain, 500, times, SEED)
        yield _line(one.name, *(f"{share * 100:.1f}" for share in (*shares, naive)))


def drift(times: int) -> Iterator[str]:
    """How often a run is called unsteady, in percent: where nothing changes, and where something does."""
    yield _line("latencies", "truth", *(f"n = {n}" for n in DRIFT_SIZES))
    yield _line(*["---"] * (len(DRIFT_SIZES) + 2))
    for one in (*(series.md1(load) for load in (0.5, 0.7, 0.8, 0.9)), series.WAVES, series.AUTOREGRESSIVE):
        yield _line(one.name, "steady", *(f"{_alarms(one.draw, n, times):.1f}" for n in DRIFT_SIZES))
    for spread in (0.1, 0.2, 0.4):
        name = f"independent, varying by {spread:.0%}"
        yield _line(
            name, f"+{DRIFT:.0%}", *(f"{_alarms(_growing(spread), n, times):.1f}" for n in DRIFT_SIZES)
        )
    yield _line(
        "overloaded queue, ρ 1.2",
        "grows",
        *(f"{_alarms(series.overloaded, n, times):.1f}" for n in DRIFT_SIZES),
    )


def _growing(spread: float) -> Callable[[int, series.Rng], Floats]:
    return lambda n, rng: series.drifting(series.steady(n, rng, spread), DRIFT)


def _alarms(draw: Callable[[int, series.Rng], Floats], n: int, times: int) -> float:
    rng = np.random.default_rng(SEED)
    trends = [steadiness.trend(np.arange(float(n)), draw(n, rng)) for _ in range(times)]
    return 100 * sum(one is not None and one.real for one in trends) / times


def caches(times: int) -> Iterator[str]:
    """How often a run is said to be answered from a cache, in percent, by how many of its prompts were."""
    sizes, shares = (8, 16, 32), (0.0, 0.4, 1.0)
    yield _line("TTFT", "from the cache", *(f"{n} prompts twice" for n in sizes))
    yield _line(*["---"] * (len(sizes) + 2))
    for name, draw in series.TTFTS.items():
        for share in shares:
            yield _line(name, f"{share:.0%}", *(f"{_accused(draw, share, n, times):.1f}" for n in sizes))


def _accused(draw: Callable[[int, series.Rng], Floats], share: float, n: int, times: int) -> float:
    rng, accused = np.random.default_rng(SEED), 0
    for _ in range(times):
        test = RepeatTest.of(draw(n, rng), series.cached_share(draw(n, rng), share, rng))
        accused += test.answered(series.cached_share(draw(50, rng), share, rng)) > 0
    return 100 * accused / times


TABLES: dict[str, Callable[[int], Iterator[str]]] = {
    "Intervals of the mean: experiments in which a 95 % interval holds the truth, percent": coverage,
    "Drift: experiments that are called unsteady, percent": drift,
    "Caches: runs of 50 requests that are said to be answered from one, percent": caches,
}


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the tables as Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=500, metavar="N", help="experiments for each figure")
    times = parser.parse_args().times
    print(f"{times} experiments each; Python {platform.python_version()}, numpy {np.__version__}.")
    for title, table in TABLES.items():
        print(f"\n### {title}\n")
        for line in table(times):
            print(line)


if __name__ == "__main__":
    main()
