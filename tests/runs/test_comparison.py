from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sagellm_benchmark.client.sample import Sample
from sagellm_benchmark.errors import DataError, UsageError
from sagellm_benchmark.report.comparison import (
    comparison_json,
    comparison_markdown,
    render_comparison,
    sentence,
)
from sagellm_benchmark.runs.comparison import Compared, compared
from sagellm_benchmark.runs.limit import Limit, limit
from sagellm_benchmark.runs.quantities import QUANTITIES
from sagellm_benchmark.runs.row import build
from sagellm_benchmark.runs.side import Side, of_row, of_run
from sagellm_benchmark.verdict.compare import Difference, Estimate, Speed
from tests.fakes.records import MODEL, SERVER, a_record
from tests.fakes.samples import sample


def repeat(seed: int, ttft: float) -> list[Sample]:
    rng = np.random.default_rng(seed)
    return [sample(start=i * 0.5, ttft=ttft * (1 + 0.01 * rng.random())) for i in range(20)]


def run(name: str = "run", ttft: float = 0.1, seed: int = 0, repeats: int = 4, **changes: Any) -> Side:
    return of_run(name, a_record(repeats=[repeat(seed + i, ttft) for i in range(repeats)], **changes))


def test_a_slower_run_is_slower_where_it_is() -> None:
    found = compared(run("a"), run("b", ttft=0.12, seed=10))
    lines = {one.quantity.name: one for one in found.lines}
    assert lines["ttft.mean"].verdict is Speed.SLOWER
    assert lines["itl.mean"].verdict is Speed.CANNOT_TELL
    assert found.verdict is Speed.SLOWER


def test_the_same_run_again_cannot_be_told_from_it() -> None:
    assert compared(run("a"), run("b", seed=10)).verdict is Speed.CANNOT_TELL


def test_engines_and_their_versions_are_what_comparisons_are_for() -> None:
    other = run("b", seed=10, server=replace(SERVER, engine="sglang", engine_version="9.9"))
    assert compared(run("a"), other).objections == ()


@pytest.mark.parametrize(
    ("changes", "said", "hint"),
    [
        ({"model": replace(MODEL, name="Other")}, "model is", "the same load on the same hardware"),
        ({"model": replace(MODEL, precision="FP8")}, "precision is", "the same load on the same hardware"),
        (
            {"seed": 10, "valid": False, "reasons": ("not streamed",)},
            "not valid (not streamed)",
            "measure again",
        ),
        ({}, "both are the same run", "name two different runs"),
    ],
)
def test_unlike_and_invalid_runs_are_refused_until_it_is_forced(
    changes: dict[str, Any], said: str, hint: str
) -> None:
    with pytest.raises(DataError) as caught:
        compared(run("a"), run("b", **changes))
    assert said in caught.value.message
    assert hint in str(caught.value.hint)
    assert ("--force" in str(caught.value.hint)) is bool(changes)
    assert said in " ".join(compared(run("a"), run("b", **changes), force=True).objections)


def test_runs_of_two_clients_are_refused_until_it_is_forced() -> None:
    ours, theirs = run("a"), replace(run("b", seed=10), client="guidellm")
    with pytest.raises(DataError, match="measured by sagellm-benchmark and the other by guidellm"):
        compared(ours, theirs)
    assert len(compared(ours, theirs, force=True).objections) == 1


def test_runs_too_short_for_an_interval_are_to_be_repeated_first() -> None:
    short, again = ([sample(start=i * 0.5, ttft=ttft) for i in range(5)] for ttft in (0.1, 0.1001))
    a, b = (of_run(name, a_record(repeats=[one])) for name, one in (("a", short), ("b", again)))
    found = compared(a, b)
    assert found.verdict is Speed.CANNOT_TELL
    assert (found.more_repeats, found.at_least) == (3, True)
    assert "measure both with --repeats 5" in sentence(found)


def test_runs_whose_intervals_say_nothing_are_to_be_repeated_first() -> None:
    """Few batches of a short run give an interval that reaches from 0: it foretells no number of repeats."""
    vague = Difference(0.0, (-1.0, math.inf))
    assert not vague.sure
    assert Difference(0.0, (-1.0, 9.0), None, 1.0).sure, "over repeats the spread is known, if large"
    (throughput,) = (one for one in QUANTITIES if one.name == "throughput")
    line = Compared(throughput, 1.0, 1.0, vague)
    found = replace(compared(run("a"), run("b", seed=10)), lines=(line,))
    assert (found.verdict, found.more_repeats, found.at_least) == (Speed.CANNOT_TELL, 3, True)
    assert sentence(found) == "cannot tell: at least 3 more repeats would decide a difference of 5%"
    assert "inf" not in render_comparison(found), "an end that is not there is not shown"


def test_repeated_runs_know_how_many_more_would_decide() -> None:
    found = compared(run("a", repeats=2), run("b", seed=10, repeats=2))
    assert found.at_least is False


def test_a_row_has_figures_but_nothing_to_be_sure_by() -> None:
    row = build(a_record(repeats=[repeat(0, 0.1)] * 2))
    assert row is not None
    found = compared(of_row("a", row), run("b", ttft=0.5))
    assert found.lines
    assert {one.verdict for one in found.lines} == {Speed.CANNOT_TELL}


def test_what_is_no_row_is_refused() -> None:
    with pytest.raises(DataError, match="not a leaderboard row"):
        of_row("x.json", {"a": 1})


def test_a_run_without_numbers_is_refused() -> None:
    with pytest.raises(DataError, match="has no figures"):
        of_run("x", a_record(samples=[]))


def test_a_single_runs_means_have_its_own_intervals() -> None:
    single = of_run("a", a_record(samples=repeat(0, 0.1)))
    assert single.estimates["ttft.mean"].interval is not None
    assert single.estimates["throughput"].interval is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ttft.p99>+5%", Limit("ttft.p99>+5%", "ttft.p99", 0.05, above=True)),
        ("ttft>5%", Limit("ttft>5%", "ttft.mean", 0.05, above=True)),
        ("throughput<-3%", Limit("throughput<-3%", "throughput", -0.03, above=False)),
    ],
)
def test_limits_are_read(text: str, expected: Limit) -> None:
    assert limit(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ttft",
        "ttfx>5%",
        "ttft.p98>5%",
        "throughput<+3%",
        "ttft>-1%",
        "ttft>5",
        "ttft<-5%",
        "throughput>+5%",
    ],
)
def test_other_limits_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="--fail-if"):
        limit(text)


def test_a_limit_is_broken_by_a_change_that_noise_cannot_explain() -> None:
    slower = compared(run("a"), run("b", ttft=0.12, seed=10))
    assert limit("ttft>+5%").broken(slower)
    assert not limit("ttft>+30%").broken(slower)
    assert not limit("itl>+0%").broken(slower)


def test_a_limit_is_not_broken_by_noise() -> None:
    def wide(name: str, ttfts: list[float]) -> Side:
        return of_run(name, a_record(repeats=[repeat(i, ttft) for i, ttft in enumerate(ttfts)]))

    noisy = compared(wide("a", [0.1, 0.2]), wide("b", [0.15, 0.25]))
    (line,) = [one for one in noisy.lines if one.quantity.name == "ttft.mean"]
    assert line.difference is not None
    assert line.difference.share > 0.05
    assert not limit("ttft>+5%").broken(noisy)


def test_a_limit_on_a_figure_without_an_interval_is_said_to_be_undecided() -> None:
    few = compared(
        of_run("a", a_record(samples=repeat(0, 0.1))), of_run("b", a_record(samples=repeat(1, 0.2)))
    )
    limits = [limit("ttft.p99>+5%"), limit("ttft>+5%")]
    assert [(one.broken(few), one.undecided(few)) for one in limits] == [(False, True), (True, False)]
    said = "not decided: ttft.p99>+5%: the figure has no interval; send more requests, or repeat the run"
    assert said in render_comparison(few, limits)
    assert said.replace(">", "&gt;") in comparison_markdown(few, limits)
    data = comparison_json(few, limits)
    assert (data["regressions"], data["undecided"]) == (["ttft>+5%"], ["ttft.p99>+5%"])


def test_a_price_of_cents_is_shown_with_its_digits() -> None:
    (cost,) = (one for one in QUANTITIES if one.name == "cost_out_usd_per_mtok")
    side = Side(name="A", configuration={}, against=(), estimates={cost.name: Estimate(0.4321)})
    said = render_comparison(compared(side, replace(side, name="B"), force=True))
    assert re.search(r"cost of output, \$/Mtok +0\.4321 +0\.4321 ", said)
