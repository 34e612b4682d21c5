"""`sagellm-benchmark regress`: a recorded baseline, and what is held to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sagellm_benchmark.errors import Exit, UsageError
from sagellm_benchmark.options.regress import regress_spec
from sagellm_benchmark.report import baseline
from tests import command
from tests.fakes.openai_server import Script, serving

pytestmark = pytest.mark.no_cover

SMALL = ("--workload", "custom", "--input-tokens", "20", "--output-tokens", "16", "--requests", "2")
QUICK = ("--no-calibrate", "--warmup", "0", "--repeats", "3")


def test_a_load_is_repeated_five_times_unless_it_is_said() -> None:
    spec = regress_spec(("--base-url", "http://a:1", "--seed", "7"), {})
    assert spec.repeats == 5
    assert spec.command == "sagellm-benchmark run --base-url http://a:1 --seed 7 --repeats 5"
    assert regress_spec(("--base-url", "http://a:1", "--repeats", "3"), {}).repeats == 3


@pytest.mark.parametrize("words", [("-c", "1,2"), ("-w", "Q1,Q2"), ("--versus", "http://b:2")])
def test_a_baseline_is_one_load(words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="one run of one load"):
        regress_spec(("--base-url", "http://a:1", *words), {})


def test_a_baseline_is_replaced_whole(tmp_path: Path) -> None:
    run, kept = tmp_path / "run", tmp_path / "deep" / "baseline"
    run.mkdir()
    for text in ("old", "new"):
        (run / "summary.json").write_text(text)
        (run / "server.log").write_text("not kept")
        baseline.record(run, kept)
    assert [(path.name, path.read_text()) for path in kept.iterdir()] == [("summary.json", "new")]
    assert list(kept.parent.iterdir()) == [kept]


def test_without_a_baseline_nothing_is_measured(tmp_path: Path) -> None:
    done = command.run("regress", "--base-url", "http://127.0.0.1:1", cwd=tmp_path)
    assert done.returncode == Exit.DATA
    assert "--record" in done.stderr


@pytest.mark.with_children
@pytest.mark.waits
def test_a_slower_server_fails_and_the_same_one_passes(tmp_path: Path) -> None:
    quick, slow = (Script(ttft_s=ttft_s, itl_s=0.002) for ttft_s in (0.02, 0.2))
    with serving(quick) as good, serving(slow) as bad:
        recorded, same, worse = (
            command.run(
                *("regress", *more, "--fail-if", "ttft>+200%", *QUICK, *SMALL, "--base-url", server.base_url),
                cwd=tmp_path,
            )
            for server, more in ((good, ("--record",)), (good, ()), (bad, ()))
        )
    assert recorded.returncode == Exit.DONE, recorded.stderr
    assert "recorded baseline" in recorded.stdout
    assert same.returncode == Exit.DONE, same.stdout + same.stderr
    assert worse.returncode == Exit.INVALID_RUN
    assert "regression: ttft>+200%" in worse.stdout
