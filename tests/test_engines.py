"""The engines that people compare, as recorded: each is called by its name, and its tokens are counted right."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from sagellm_benchmark.errors import Exit
from tests import command
from tests.evidence.support import PUBLISHABLE
from tests.fakes.engines import STAND_INS
from tests.fakes.openai_server import Script, serving

pytestmark = [pytest.mark.waits, pytest.mark.no_cover]

Q1 = ("--no-calibrate", "--warmup", "0")

Result = tuple[int, dict[str, Any], dict[str, Any], dict[str, Any]]


def run(folder: Path, script: Script, *arguments: str) -> Result:
    """The exit code, config.json, summary.json and the row of a run against a server of that script."""
    with serving(script) as server:
        done = command.run("run", *Q1, "--base-url", server.base_url, *arguments, cwd=folder)
    left = [path.parent for path in folder.glob("outputs/*/*/*/summary.json") if path.parent.name != "latest"]
    assert left, done.stdout + done.stderr
    config, summary = (json.loads((left[0] / name).read_text()) for name in ("config.json", "summary.json"))
    row = left[0] / "Q1_leaderboard.json"
    return done.returncode, config, summary, json.loads(row.read_text()) if row.exists() else {}


def requests(folder: Path) -> list[dict[str, Any]]:
    (path,) = [path for path in folder.glob("outputs/*/*/*/requests.jsonl") if path.parent.name != "latest"]
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Result]]:
    """The folder and the result of one run against each stand-in, by its name."""

    @cache
    def of(name: str) -> tuple[Path, Result]:
        folder = tmp_path_factory.mktemp(name)
        return folder, run(folder, STAND_INS[name])

    return of


def word_tokenizer(folder: Path) -> Path:
    """A tokenizer that takes each word for a token, as the stand-ins do."""
    tokenizer = Tokenizer(models.WordLevel({"?": 0}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder / "tokenizer.json"


@pytest.mark.with_children
@pytest.mark.parametrize("name", STAND_INS)
def test_each_engine_gets_a_valid_row_under_its_own_name_with_exact_lengths(
    name: str, measured: Callable[[str], tuple[Path, Result]]
) -> None:
    folder, (code, config, summary, row) = measured(name)
    assert (code, summary["reasons"]) == (Exit.DONE, [])
    assert (config["server"]["engine"], row["engine"]) == (name, name)
    assert summary["output_tokens"] == 320
    assert {request["prompt_tokens"] for request in requests(folder)} == {32}
    assert (row["workload"]["name"], row["workload"]["output_length"]) == ("Q1", 64)


@pytest.mark.parametrize(
    ("name", "source", "check"),
    [
        ("vllm", "server's usage", None),
        ("transformers", "server's usage", None),
        ("llama-cpp-python", "server's tokenizer", "24 tokens counted, 24 charged"),
        ("sagellm", "events, by the server's report", "24 events, 24 tokens by the server's report"),
    ],
)
def test_the_record_says_how_tokens_were_counted_and_checked(
    name: str, source: str, check: str | None, measured: Callable[[str], tuple[Path, Result]]
) -> None:
    _, (_, _, summary, _) = measured(name)
    assert summary["token_source"] == source
    assert str(summary["token_check"]).startswith(str(check))


def test_without_a_report_a_whole_answer_proves_that_one_event_is_one_token(tmp_path: Path) -> None:
    code, _, summary, _ = run(tmp_path, replace(STAND_INS["sagellm"], info=False))
    assert code == Exit.DONE
    assert summary["token_source"] == "events, by an answer not streamed"
    assert summary["token_check"] == "24 events, 24 charged for the same answer not streamed"
    assert summary["output_tokens"] == 320


@pytest.mark.with_children
def test_a_named_tokenizer_goes_before_events(tmp_path: Path) -> None:
    tokenizer = word_tokenizer(tmp_path)
    several = replace(STAND_INS["sagellm"], tokens_per_event=4)
    code, _, summary, _ = run(tmp_path, several, "--tokenizer", str(tokenizer))
    assert (code, summary["reasons"]) == (Exit.DONE, [])
    assert summary["token_source"] == "tokenizer file"
    assert summary["output_tokens"] == 320


def test_the_tokenizer_in_the_folder_that_a_local_server_names_is_taken(tmp_path: Path) -> None:
    word_tokenizer(tmp_path)
    _, _, summary, _ = run(tmp_path, replace(STAND_INS["sagellm"], local_folder=str(tmp_path)))
    assert summary["token_source"] == "tokenizer file"


def test_events_of_several_tokens_are_not_taken_for_tokens(tmp_path: Path) -> None:
    code, _, summary, _ = run(tmp_path, replace(STAND_INS["sagellm"], tokens_per_event=4))
    assert (code, summary["valid"]) == (Exit.INVALID_RUN, False)
    assert summary["token_source"] == "nobody"


@pytest.mark.with_children
def test_with_no_evidence_at_all_the_run_is_invalid(tmp_path: Path) -> None:
    code, _, summary, _ = run(tmp_path, replace(STAND_INS["sagellm"], info=False, usage=False))
    assert code == Exit.INVALID_RUN
    assert any("cannot be counted" in reason for reason in summary["reasons"])


@pytest.mark.parametrize("name", ["vllm", "llama-cpp-python", "sagellm"])
def test_an_answer_that_is_cut_without_a_reason_is_a_failure(name: str, tmp_path: Path) -> None:
    cut = replace(STAND_INS[name], finish=None, sequence=({}, {}, {}, {}, {}, {}), tokens=1)
    code, _, summary, _ = run(tmp_path, cut)
    assert code == Exit.INVALID_RUN
    assert summary["failures"] == {"cut_off": 5}


def test_an_answer_shorter_than_a_server_was_told_is_a_failure_without_usage_too(tmp_path: Path) -> None:
    short = replace(STAND_INS["llama-cpp-python"], tokens=45, finish="stop")
    code, _, summary, _ = run(tmp_path, short)
    assert code == Exit.INVALID_RUN
    assert summary["failures"] == {"short": 5}


def test_answers_that_end_by_themselves_have_their_own_lengths_in_a_workload_that_says_so(
    tmp_path: Path,
) -> None:
    known = ("--sagellm-version", "0.5.4.70", "--engine-version", "0.5.4.70", *PUBLISHABLE)
    code, _, summary, row = run(tmp_path, replace(STAND_INS["sagellm"], tokens=45), *known)
    assert (code, summary["reasons"]) == (Exit.DONE, [])
    assert summary["own_lengths"]
    assert (row["workload"]["name"], row["workload"]["output_length"]) == ("Q1 own lengths", 45)
    assert row["metadata"]["notes"] == "Benchmark run: custom"  # readers of notes would take it for Q1
    assert row.get("unpublishable") is None


def test_a_server_that_cannot_be_told_to_go_on_is_asked_to_count(tmp_path: Path) -> None:
    with serving(STAND_INS["sagellm"]) as server:
        command.run("run", *Q1, "--base-url", server.base_url, cwd=tmp_path)
    asked = [seen.body["messages"] for seen in server.requests if seen.body["max_tokens"] == 64]
    assert len(asked) == 5
    assert {messages[-1]["content"].endswith(" Count from 1 to 1000.") for messages in asked} == {True}
    assert len({messages[-1]["content"].split()[0] for messages in asked}) == 5


def test_a_tokenizer_that_is_not_there_is_named(tmp_path: Path) -> None:
    with serving(STAND_INS["sagellm"]) as server:
        done = command.run("run", *Q1, "--base-url", server.base_url, "--tokenizer", "./none", cwd=tmp_path)
    assert done.returncode == Exit.DATA
    assert "./none" in done.stderr
