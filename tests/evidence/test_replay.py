"""A row's own command, run again: parsed by our parser, and compared by its configuration and its throughput."""

from __future__ import annotations

import json
import shlex
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagellm_benchmark.board.agreement import Measured, agree
from sagellm_benchmark.errors import DataError, Exit, UsageError
from sagellm_benchmark.evidence.replay import Replayed, compare
from sagellm_benchmark.options.again import HARMLESS, again
from sagellm_benchmark.options.run import RunOptions
from sagellm_benchmark.outputs import row_file
from sagellm_benchmark.report.proof import render_replay
from tests import command
from tests.evidence.support import PUBLISHABLE, edit, measured
from tests.fakes.openai_server import Script, serving
from tests.fakes.rows import new_row

PACED = Script(ttft_s=0.1, itl_s=0.04, timetable=True)  # at a pace that a busy machine keeps


def row_with(words: str) -> Any:
    row = new_row()
    row["metadata"]["reproducible_cmd"] = words
    return row


def asked(words: str, **changes: Any) -> Any:
    given = {"base_url": None, "same_hardware": False, "files_allowed": False} | changes
    return again(row_with(words), **given)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "rm -rf /",
        "sagellm-benchmark publish",
        "sagellm-benchmark run 'unclosed",
        "bash -c 'sagellm-benchmark run'",
    ],
)
def test_nothing_but_a_run_of_ours_is_run_again(words: str) -> None:
    with pytest.raises(DataError, match="no command of `sagellm-benchmark run`"):
        asked(words)


def test_an_option_that_this_version_does_not_know_is_said() -> None:
    with pytest.raises(DataError, match="does not know the row's command"):
        asked("sagellm-benchmark run --no-such-option; touch x")


@pytest.mark.parametrize(
    ("option", "named"),
    [
        ("--api-key-env AWS_SECRET_ACCESS_KEY", "--api-key-env"),
        ("--hardware secrets.toml", "--hardware"),
        ("--dataset text:id_rsa", "--dataset"),
        ("--workload mine.toml", "--workload"),
        ("--model ../weights", "--model"),
        ("--model model.gguf", "--model"),
        ("--model=~/weights", "--model"),
        ("--workload ./MINE.TOML", "--workload"),
        ("--launch touch\\ x\\ {port}", "--launch"),
        ("--engine vllm --engine-args=--trust-remote-code", "--engine-args"),
        ("--engine vllm --engine-python /", "--engine-python"),
        ("--engine vllm --engine-env create", "--engine-env"),
        ("--tokenizer /etc/passwd", "--tokenizer"),
        ("--versus http://victim", "--versus"),
        ("--on ray://auto", "--on"),
        ("-o/srv", "--outputs"),
    ],
)
def test_a_row_does_more_than_ask_a_server_only_when_that_is_allowed(option: str, named: str) -> None:
    words = f"sagellm-benchmark run {option}"
    with pytest.raises(UsageError, match=f"something of this machine: {named}") as caught:
        asked(words)
    assert shlex.join(shlex.split(words)[2:]) in str(caught.value.hint)
    allowed = asked(words, files_allowed=True)
    assert allowed.words == tuple(shlex.split(words)[2:]) or allowed.without_effect == (named,)


def test_every_option_that_a_row_may_state_exists() -> None:
    assert {one.name for one in fields(RunOptions)} >= HARMLESS


def test_a_model_is_only_a_name_where_no_file_has_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert asked("sagellm-benchmark run --model Qwen/Qwen2-7B").options.model == "Qwen/Qwen2-7B"
    (tmp_path / "Qwen2-7B").touch()
    with pytest.raises(UsageError, match="--model"):
        asked("sagellm-benchmark run --model Qwen2-7B")


def test_a_servers_row_needs_a_server_and_ours_none() -> None:
    with pytest.raises(UsageError, match="only you know where"):
        asked("sagellm-benchmark run --base-url BASE_URL")
    done = asked("sagellm-benchmark run --base-url BASE_URL", base_url="http://127.0.0.1:8000")
    assert done.options.base_url == "http://127.0.0.1:8000"
    with pytest.raises(UsageError, match="needs no server"):
        asked("sagellm-benchmark run", base_url="http://127.0.0.1:8000")


def test_what_has_no_effect_any_more_is_left_out_and_named() -> None:
    done = asked("sagellm-benchmark run --rate 4 --burstiness 2 --ramp=3 --seed 4")
    assert done.words == ("--rate", "4", "--seed", "4")
    assert done.without_effect == ("--burstiness", "--ramp")
    assert (done.options.burstiness, done.options.ramp) == (1.0, 0.0)


def test_a_command_that_is_refused_today_says_why_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "row.json").write_text(
        json.dumps(row_with("sagellm-benchmark run --concurrency 4 --rate 2 --seed 4"))
    )
    done = command.run("replay", "row.json", cwd=tmp_path)
    assert done.returncode == Exit.USAGE
    assert "cannot repeat the row's command: --concurrency is a closed loop, --rate an open" in done.stderr
    assert "or use the version of this tool that the row names" in done.stderr


def test_a_row_of_the_embedded_engine_is_not_measured_on_the_server_of_the_environment(
    tmp_path: Path,
) -> None:
    only_embedded = (
        "sagellm-benchmark run --threads 2 --workload Q4 --requests 2"  # too few requests to be measured
    )
    (tmp_path / "row.json").write_text(json.dumps(row_with(only_embedded)))
    done = command.run("replay", "row.json", cwd=tmp_path, env={"SAGELLM_BASE_URL": "http://127.0.0.1:1"})
    assert (done.returncode, "--threads: " in done.stderr) == (Exit.USAGE, False)


def test_whose_row_it_was_and_on_what_is_not_taken_over() -> None:
    words = (
        "sagellm-benchmark run --submitter mallory --outputs=/srv -o /srv --output-dir /srv --lang zh"
        " --chip-model=H100 --vendor NVIDIA --seed 4"
    )
    assert asked(words).words == ("--seed", "4")
    assert asked(words, same_hardware=True).words == (
        "--chip-model=H100",
        "--vendor",
        "NVIDIA",
        "--seed",
        "4",
    )


@given(st.floats(0.1, 1e6), st.floats(0.1, 1e6))
def test_agreeing_is_mutual_and_reaches_five_per_cent(one: float, other: float) -> None:
    assert agree(Measured(one), Measured(other)) == agree(Measured(other), Measured(one))
    assert agree(Measured(one), Measured(one * 0.96))
    assert not agree(Measured(one), Measured(one * 0.94))


def test_intervals_that_overlap_agree_but_one_that_holds_everything_does_not() -> None:
    assert agree(Measured(100, (88, 112)), Measured(110, (99, 121)))
    assert not agree(Measured(100, (0, 1e9)), Measured(150))


def test_another_configuration_reproduces_nothing() -> None:
    row, other = new_row(), new_row()
    other["hardware"]["chip_model"] = "another chip"
    assert compare(row, None, [(row, None)]).reproduced
    done = compare(row, None, [(other, None)])
    assert (done.reproduced, done.differs) == (False, ("chip_model",))
    with pytest.raises(DataError, match="the new run is not valid"):
        compare(row, None, [])
    row["metrics"]["throughput_tps"] = 0
    with pytest.raises(DataError, match="the row has no throughput"):
        compare(row, None, [(other, None)])


@pytest.mark.parametrize(
    ("claimed", "again", "said"),
    [
        (Measured(100), Measured(96), "✓ reproduced: -4.0%, and 5 % or overlapping intervals are allowed"),
        (
            Measured(100),
            Measured(86, (80, 92)),
            "✗ not reproduced: -14.0%, and only 5 % is allowed where a run had too few requests for an interval",
        ),
        (
            Measured(100, (98, 102)),
            Measured(110, (108, 112)),
            "✗ not reproduced: +10.0%, which is more than 5 %, and the intervals do not overlap",
        ),
    ],
)
def test_a_replay_says_by_how_much_it_differs_and_what_was_allowed(
    claimed: Measured, again: Measured, said: str
) -> None:
    assert render_replay(Replayed("a row", claimed, again)).splitlines()[-1] == said


@pytest.mark.waits
def test_a_row_is_reproduced_by_a_server_as_fast_and_not_by_a_slower_one(tmp_path: Path) -> None:
    small = ("--workload", "custom", "--input-tokens", "20", "--output-tokens", "16", "-n", "3")
    folder = measured(tmp_path, *PUBLISHABLE, *small, script=PACED)
    path = row_file(folder)
    assert path is not None
    with serving(PACED) as server:
        done = command.run(
            "replay", str(path), "--base-url", server.base_url, "--same-hardware", cwd=tmp_path, timeout=60
        )
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    assert "✓ reproduced: " in done.stdout
    edit(path, lambda row: row["metrics"].update(throughput_tps=row["metrics"]["throughput_tps"] * 1.5))
    with serving(PACED) as server:
        done = command.run(
            "replay", str(path), "--base-url", server.base_url, "--same-hardware", cwd=tmp_path
        )
    assert (done.returncode, "✗ not reproduced: " in done.stdout) == (Exit.INVALID_RUN, True), done.stderr
    assert len(list(tmp_path.glob("outputs/*/*/*_[0-9][0-9][0-9]/evidence.json"))) == 3
    rows = [json.loads(one.read_text()) for one in tmp_path.glob("outputs/*/*/*_00[23]/*_leaderboard.json")]
    commands = [row["metadata"]["reproducible_cmd"] for row in rows]
    assert all(text.startswith("sagellm-benchmark run ") and "BASE_URL" in text for text in commands)
