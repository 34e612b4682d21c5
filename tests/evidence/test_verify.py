"""A row is what follows from its requests; whatever else it says is found."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sagellm_benchmark.board.identity import entry_id
from sagellm_benchmark.errors import DataError, Exit
from sagellm_benchmark.evidence import statement
from sagellm_benchmark.evidence.bundle import unpack
from sagellm_benchmark.evidence.files import bundle, in_folder
from sagellm_benchmark.evidence.verify import Findings, verify
from sagellm_benchmark.outputs import row_file
from tests import command
from tests.evidence.support import KINDS, edit, measured, verified
from tests.fakes.openai_server import Script

pytestmark = pytest.mark.waits

PROMPTS = ("predicate", "grounds", "prompts")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nobody touched."""
    return measured(tmp_path_factory.mktemp("run"))


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return Path(shutil.copytree(whole, tmp_path / "run"))


def row_of(folder: Path) -> Any:
    path = row_file(folder)
    assert path is not None
    return json.loads(path.read_text())


def made_to_fit(folder: Path) -> None:
    """Do what a forger can: make every hash, and the row's id, fit the files as they are."""
    row_path = row_file(folder)
    assert row_path is not None
    row = statement.without_evidence(json.loads(row_path.read_text()))
    said = json.loads((folder / "evidence.json").read_text())
    config = json.loads((folder / "config.json").read_text())
    tool = {"name": config["tool"]["name"], "version": config["tool"]["version"]}
    said["predicate"] |= {"row": row, "seed": config["seed"], "tool": tool}
    files = in_folder(folder)
    for subject in said["subject"]:
        if subject["name"] in files:
            subject["digest"]["sha256"] = statement.sha256(files[subject["name"]])
    content = json.dumps(said).encode()
    (folder / "evidence.json").write_bytes(content)
    row_path.write_text(json.dumps(statement.with_evidence(row, statement.sha256(content))))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_run_is_what_follows_from_its_requests(kind: str, tmp_path: Path) -> None:
    folder = measured(tmp_path, *KINDS[kind])
    found = verified(folder)
    assert found.fits, found.mismatches
    assert found.requests == len((folder / "requests.jsonl").read_text().splitlines())


@pytest.mark.parametrize(
    "script",
    [
        Script(usage=False, itl_s=0.001),
        Script(owned_by="sagellm", itl_s=0.001),  # which cannot be told to go on, and is asked to count
        Script(itl_s=0.001, sequence=({}, {}, {"status": 500})),
        Script(apis=("chat",), itl_s=0.001),
        Script(tokenizer=False, itl_s=0.001),
    ],
)
def test_runs_on_odd_servers_fit_too_valid_or_not(script: Script, tmp_path: Path) -> None:
    assert verified(measured(tmp_path, script=script)).fits


def test_a_trace_is_checked_prompt_by_prompt(tmp_path: Path) -> None:
    lines = [{"timestamp": i * 0.01, "input_length": 20 + i, "output_length": 4} for i in range(12)]
    (tmp_path / "trace.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = verified(measured(tmp_path, "--dataset", "trace:trace.jsonl"))
    assert found.fits, found.mismatches
    assert not any("prompts" in why for why in found.not_checked)


def test_texts_from_a_file_are_said_to_be_unchecked(tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("".join(f"tell me about number {i}\n" for i in range(40)))
    found = verified(measured(tmp_path, "--dataset", "text:texts.txt"))
    assert found.fits, found.mismatches
    assert any("come from the file text:texts.txt" in why for why in found.not_checked)


def as_another_version(summary: dict[str, Any]) -> None:
    summary["interval_method"] = "by hand"
    summary["e2e_ms"]["mean_ci95"] = [1.0, 2.0]


def test_intervals_that_another_version_made_otherwise_are_left_and_said_to_be_unchecked(
    folder: Path,
) -> None:
    path = folder / "summary.json"
    summary = json.loads(path.read_text())
    as_another_version(summary)
    path.write_text(json.dumps(summary))
    made_to_fit(folder)
    found = verified(folder)
    assert found.mismatches == ()
    assert found.not_checked == (
        "95 % intervals of the latencies' means: another version made them in another way",
    )


def in_words(folder: Path, change: Callable[[list[str]], list[str]]) -> Findings:
    """What is found of the run if its row says otherwise what was not checked, and everything is made to fit."""
    path, row = folder / "summary.json", row_file(folder)
    assert row is not None
    summary = json.loads(path.read_text())
    summary["not_checked"] = change(summary["not_checked"])
    path.write_text(json.dumps(summary))
    edit(row, lambda said: said["validity"].update(not_checked=summary["not_checked"]))
    made_to_fit(folder)
    return verified(folder)


def test_notes_in_other_words_fit_and_are_said_to_be_another_versions(folder: Path) -> None:
    found = in_words(folder, lambda notes: [note.replace("fewer than", "less than") for note in notes])
    assert found.mismatches == ()
    assert found.not_checked == ("the words of the verdict: another version wrote them",)


@pytest.mark.parametrize(
    "change",
    [lambda notes: notes[1:], lambda notes: [note.replace("10", "9") for note in notes]],
    ids=["one left out", "another figure"],
)
def test_a_note_that_is_left_out_or_has_another_figure_is_found(
    folder: Path, change: Callable[[list[str]], list[str]]
) -> None:
    found = in_words(folder, change)
    assert any("not_checked" in mismatch.field for mismatch in found.mismatches)


def test_another_version_may_have_had_other_checks_but_not_another_verdict(folder: Path) -> None:
    edit(folder / "config.json", lambda config: config["tool"].update(version="0.5.0"))
    row = row_file(folder)
    assert row is not None
    edit(row, lambda said: said["versions"].update(benchmark="0.5.0"))
    assert in_words(folder, lambda notes: notes[1:]).mismatches == ()
    edit(folder / "summary.json", lambda summary: summary.update(valid=False))
    made_to_fit(folder)
    assert "summary.valid" in [mismatch.field for mismatch in verified(folder).mismatches]


def numbers_of(metrics: dict[str, Any]) -> list[str]:
    return [name for name, value in metrics.items() if type(value) in (int, float)]


@pytest.mark.parametrize("forged", [False, True], ids=["plainly", "with every hash made to fit"])
def test_one_changed_digit_in_any_metric_is_found_and_named(folder: Path, *, forged: bool) -> None:
    path = row_file(folder)
    assert path is not None
    whole = path.read_text()
    for name in numbers_of(json.loads(whole)["metrics"]):
        path.write_text(whole)

        def change(row: Any, name: str = name) -> None:
            row["metrics"][name] = row["metrics"][name] * 1.001 if row["metrics"][name] else 0.001
            row["entry_id"] = entry_id(row)

        edit(path, change)
        if forged:
            made_to_fit(folder)
        found = verified(folder)
        assert [one.field for one in found.mismatches if one.field == f"metrics.{name}"], name


@pytest.mark.parametrize("line", [0, 2, -1])
def test_a_removed_request_is_found(folder: Path, line: int) -> None:
    lines = (folder / "requests.jsonl").read_text().splitlines(keepends=True)
    del lines[line]
    (folder / "requests.jsonl").write_text("".join(lines))
    made_to_fit(folder)
    fields = {one.field for one in verified(folder).mismatches}
    assert {"metrics.requests", "summary.requests"} <= fields


def test_another_rows_bundle_is_refused(whole: Path, tmp_path: Path) -> None:
    other = measured(tmp_path, seed=8)
    found = verify(row_of(whole), in_folder(other))
    (first, *_) = found.mismatches
    assert first.field == "evidence.sha256"


def test_a_changed_seed_is_refused(folder: Path) -> None:
    edit(folder / "config.json", lambda config: config.update(seed=8))
    made_to_fit(folder)
    found = verified(folder)
    assert sum(one.field.startswith("prompt of conversation") for one in found.mismatches) == 5
    assert "dataset.sha256" in {one.field for one in found.mismatches}


def test_a_verdict_that_does_not_follow_is_refused(tmp_path: Path) -> None:
    folder = measured(tmp_path, script=Script())  # in one piece: not streamed
    path = row_file(folder)
    assert path is not None
    assert row_of(folder)["validity"]["valid"] is False

    def believed(row: Any) -> None:
        row["validity"] |= {"valid": True, "reasons": []}
        del row["unpublishable"]

    edit(path, believed)
    made_to_fit(folder)
    assert "validity.valid" in {one.field for one in verified(folder).mismatches}


def test_the_bundle_alone_proves_the_row_and_holds_no_answer(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "bundle").write_bytes(bundle(whole))
    path = row_file(whole)
    done = command.run("verify", str(path), str(tmp_path / "bundle"), cwd=tmp_path)
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    files = unpack(bundle(whole))
    assert set(files) == {"evidence.json", "summary.json", "public/config.json", "public/requests.jsonl"}
    answers = [json.loads(line)["text"] for line in (whole / "requests.jsonl").read_text().splitlines()]
    assert not any(answer.encode() in content for answer in answers for content in files.values())
    assert not any(b"127.0.0.1" in content for content in files.values())


def test_packing_twice_gives_the_same_bytes_small_enough_to_keep(tmp_path: Path) -> None:
    folder = measured(
        tmp_path, "--workload", "custom", "--input-tokens", "32", "--output-tokens", "64", "-n", "40"
    )
    assert bundle(folder) == bundle(folder)
    assert len(bundle(folder)) < 40_000


def test_the_command_says_what_does_not_fit(folder: Path) -> None:
    done = command.run("verify", str(folder), cwd=folder)
    assert (done.returncode, "follow from the requests" in done.stdout) == (Exit.DONE, True), done.stderr
    path = row_file(folder)
    assert path is not None
    edit(path, lambda row: row["metrics"].update(throughput_tps=99_999.5))
    done = command.run("verify", str(folder), "--json", cwd=folder)
    assert done.returncode == Exit.INVALID_RUN
    fields = {one["field"]: one for one in json.loads(done.stdout)["mismatches"]}
    assert fields["metrics.throughput_tps"]["claimed"] == 99_999.5
    assert fields["metrics.throughput_tps"]["recomputed"] < 99_999


def test_a_run_without_numbers_has_nothing_to_prove(tmp_path: Path) -> None:
    folder = measured(tmp_path, script=Script(apis=("chat",), usage=False, tokenizer=False))
    with pytest.raises(DataError, match="holds no evidence"):
        verified(folder)


def test_what_cannot_be_read_is_an_error_and_not_a_verdict(folder: Path) -> None:
    (folder / "requests.jsonl").write_text("{}\n")
    with pytest.raises(DataError, match=r"line 1 of requests.jsonl is damaged"):
        verified(folder)
    assert command.run("verify", str(folder), cwd=folder).returncode == Exit.DATA
    absent = command.run("verify", "0b4f7c52", cwd=folder)
    assert (absent.returncode, "whole id of a published row" in absent.stderr) == (Exit.DATA, True)


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


HARMFUL: dict[str, tuple[str, tuple[str | int, ...], Any]] = {
    "a row nested without end": ("evidence.json", ("predicate", "row", "engine"), deep(600)),
    "a version that is no number": ("config.json", ("record_version",), [2]),
    "a prompt of 10^18 tokens": ("evidence.json", (*PROMPTS, "workload", "input_tokens"), 10**18),
    "a prompt of 10^308 tokens": ("evidence.json", (*PROMPTS, "workload", "input_tokens"), 1e308),
    "10^18 turns": ("evidence.json", (*PROMPTS, "workload", "turns"), 10**18),
    "words that cost 10^18 tokens": ("evidence.json", (*PROMPTS, "later", 0, 0), 10**18),
    "words that cost less than nothing": ("evidence.json", (*PROMPTS, "first", 0, 0), -(10**18)),
    "words of a megabyte": ("evidence.json", (*PROMPTS, "later", 0, 1, 0), "x" * 10**6),
    "words of next to no tokens": ("evidence.json", (*PROMPTS, "tokens_per_word"), 1e-300),
    "a template longer than its prompt": ("evidence.json", (*PROMPTS, "overhead"), 10**6),
    "no words": ("evidence.json", (*PROMPTS, "later"), []),
    "an end of a megabyte": ("evidence.json", (*PROMPTS, "closing"), "x" * 10**6),
    "an end of 10^18 tokens": ("evidence.json", (*PROMPTS, "closing_tokens"), 10**18),
}


@pytest.mark.parametrize("harm", HARMFUL)
def test_evidence_that_would_harm_whoever_checks_it_is_refused_in_a_moment(folder: Path, harm: str) -> None:
    name, (*parents, last), value = HARMFUL[harm]

    def change(place: Any) -> None:
        for parent in parents:
            place = place[parent]
        place[last] = value

    edit(folder / name, change)
    with pytest.raises(DataError, match=r"damaged|nested deeper|this version cannot read the run"):
        verified(folder)


def test_a_request_at_the_end_of_time_is_refused(folder: Path) -> None:
    first, *others = (folder / "requests.jsonl").read_text().splitlines()
    line = json.dumps({**json.loads(first), "end_s": 1e300})
    (folder / "requests.jsonl").write_text("\n".join([line, *others]))
    with pytest.raises(DataError, match="is no time"):
        verified(folder)


def test_random_prompts_are_never_left_unchecked(folder: Path) -> None:
    edit(folder / "evidence.json", lambda said: said["predicate"]["grounds"].update(prompts=None))
    made_to_fit(folder)
    assert [one.field for one in verified(folder).mismatches] == ["evidence.grounds.prompts"]


def test_prompts_too_long_to_be_made_again_are_still_those_of_the_row_s_workload(folder: Path) -> None:
    def longer(said: Any) -> None:
        said["predicate"]["grounds"]["prompts"]["workload"] |= {"input_tokens": 1 << 24, "requests": 1_000}

    edit(folder / "evidence.json", longer)
    made_to_fit(folder)
    found = verified(folder)
    assert [one.field for one in found.mismatches] == ["workload.requests", "workload.input_tokens"]
