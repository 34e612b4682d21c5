"""Two servers measured in turn, as it is typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sagellm_benchmark.errors import Exit, UsageError
from sagellm_benchmark.options.declare import parse
from sagellm_benchmark.options.run import RunOptions
from sagellm_benchmark.options.spec import run_spec
from sagellm_benchmark.options.versus import versus_specs
from sagellm_benchmark.runs.spec import RunSpec, Start
from tests import command
from tests.fakes.openai_server import Script, serving

pytestmark = pytest.mark.no_cover

SMALL = ("--workload", "custom", "--input-tokens", "20", "--output-tokens", "16", "--requests", "2")
QUICK = ("--no-calibrate", "--warmup", "0")


def specs(*arguments: str, **environ: str) -> tuple[RunSpec, RunSpec]:
    return versus_specs(parse(RunOptions, arguments), ["run", *arguments], environ)


def test_the_two_differ_in_nothing_but_the_server() -> None:
    a, b = specs("--base-url", "http://a:1", "--versus", "http://b:2", "--seed", "7", "--engine", "vllm")
    assert a.command == "sagellm-benchmark run --base-url http://a:1 --engine vllm --repeats 10 --seed 7"
    assert b.command == "sagellm-benchmark run --repeats 10 --base-url http://b:2 --seed 7"
    assert (a.seed, a.repeats, a.workloads) == (b.seed, b.repeats, b.workloads)


def test_the_first_address_may_come_from_the_environment() -> None:
    a, b = specs("--versus", "http://b:2", "--seed", "7", SAGELLM_BASE_URL="http://a:1")
    assert (a.base_url, b.base_url) == ("http://a:1", "http://b:2")
    assert a.command == "sagellm-benchmark run --repeats 10 --base-url http://a:1 --seed 7"


def test_one_server_against_itself_gets_other_prompts_so_that_its_cache_is_no_help() -> None:
    a, b = specs("--base-url", "http://a:1", "--versus", "http://a:1", "--seed", "7")
    assert (a.seed, b.seed) == (7, 8)


def test_two_versions_of_an_engine_are_started_from_their_own_environments(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    arguments = ("--engine", "vllm", "--engine-python", str(tmp_path / "old"), "--model", "m", "--seed", "7")
    a, b = specs(*arguments, "--versus-engine", "vllm", "--versus-engine-python", str(tmp_path / "new"))
    assert a.start is not None
    assert b.start is not None
    assert (a.start.python, b.start.python) == (tmp_path / "old", tmp_path / "new")
    assert (a.seed, b.seed) == (7, 7)
    assert str(tmp_path / "old") not in b.command


def test_an_engine_against_a_command_of_the_users_is_started_by_its_own_command() -> None:
    launched = ("--model", "m", "--launch", "serve {model} {port}", "--seed", "7")
    a, b = specs(*launched, "--versus-engine", "vllm")
    assert (a.start, b.start) == (Start(None, command=("serve", "{model}", "{port}")), Start("vllm"))
    assert b.command == "sagellm-benchmark run --model m --repeats 10 --engine vllm --seed 7"


@pytest.mark.parametrize("each", [0, 1])
def test_each_command_measures_its_server_alone(each: int) -> None:
    spec = specs("--base-url", "http://a:1", "--versus", "http://b:2", "--engine", "vllm")[each]
    words = spec.command.split()[2:]
    assert run_spec(parse(RunOptions, words), ["run", *words], {}) == spec


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--versus", "http://b:2"), "--versus"),
        (("--base-url", "http://a:1", "--versus", "http://b:2", "--repeats", "5"), "in twos"),
        (("--base-url", "http://a:1", "--versus", "http://b:2", "--repeats", "2"), "in twos"),
        (("--base-url", "http://a:1", "--versus", "http://b:2", "-c", "1,2"), "one load"),
        (("--base-url", "http://a:1", "--versus", "http://b:2", "-w", "all"), "one load"),
        (("--base-url", "http://a:1", "--versus-engine", "vllm"), "starts an engine"),
        (("--base-url", "http://a:1", "--versus", "b:2"), "b:2"),
    ],
)
def test_what_cannot_be_measured_in_turn_is_refused(arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        specs(*arguments)


def test_a_limit_needs_two_servers() -> None:
    with pytest.raises(UsageError, match="--fail-if"):
        run_spec(parse(RunOptions, ("--base-url", "http://a:1", "--fail-if", "ttft>5%")), ["run"], {})


def records(folder: Path) -> list[dict[str, Any]]:
    """The summaries of both runs, the quicker first."""
    found = [json.loads(path.read_text()) for path in folder.glob("outputs/*/*/custom_*_[0-9]*/summary.json")]
    return sorted(found, key=lambda one: float(one["ttft_ms"]["mean"]))


@pytest.mark.with_children
@pytest.mark.waits
def test_a_slower_server_is_measured_by_the_same_prompts_and_never_called_quicker(tmp_path: Path) -> None:
    # so far apart that a busy machine makes up for it in no round
    quick, slow = (Script(ttft_s=ttft_s, itl_s=0.002) for ttft_s in (0.06, 0.36))
    with serving(quick) as a, serving(slow) as b:
        done = command.run(
            *("run", *QUICK, *SMALL, "--repeats", "4", "--seed", "7"),
            *("--base-url", a.base_url, "--versus", b.base_url, "--fail-if", "ttft>+50%"),
            cwd=tmp_path,
        )
        asked = [{str(one.body.get("prompt")) for one in server.requests} for server in (a, b)]
    # A busy machine may hold up a round of the quick one, so that four rounds cannot tell; never the other way round.
    assert done.returncode in {Exit.DONE, Exit.INVALID_RUN}, done.stdout + done.stderr
    assert "regression: ttft>+50%" not in done.stdout or done.returncode == Exit.INVALID_RUN
    assert len(asked[0] & asked[1]) >= 8  # two in each of four rounds
    first, second = records(tmp_path)
    assert len(first["repeats"]) == len(second["repeats"]) == 4
    (kept,) = tmp_path.glob("outputs/*/*/*_[0-9]*/comparison.json")
    comparison = json.loads(kept.read_text())
    assert comparison["verdict"] in {"slower", "cannot tell", "mixed"}
    by_the_wait = [
        figure for name, figure in comparison["figures"].items() if name.startswith(("ttft", "e2e", "th"))
    ]
    assert len(by_the_wait) == 5
    assert {figure["verdict"] for figure in by_the_wait} <= {"slower", "cannot tell"}  # their gaps are alike


@pytest.mark.waits
def test_a_server_is_not_told_from_itself(tmp_path: Path) -> None:
    with serving(Script(ttft_s=0.02, itl_s=0.002)) as server:
        done = command.run(
            *("run", *QUICK, *SMALL, "--repeats", "4", "--json"),
            *("--base-url", server.base_url, "--versus", server.base_url, "--fail-if", "ttft>+100%"),
            cwd=tmp_path,
        )
    found = json.loads(done.stdout)
    assert found["in_turn"] is True
    assert found["regressions"] == []
    assert (tmp_path / found["b"] / "COMPARISON.md").is_file()
