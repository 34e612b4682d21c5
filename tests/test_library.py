"""The library does what the commands do, and its documented example is run as it stands."""

from __future__ import annotations

import contextlib
import csv
import inspect
import io
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest

from sagellm_benchmark import Rate, Runs, compare, library, load, run
from sagellm_benchmark.errors import DataError, Exit, UsageError
from sagellm_benchmark.options.arguments import COMMAND_ONLY, RunArguments
from sagellm_benchmark.options.run import RunOptions
from sagellm_benchmark.report import table
from sagellm_benchmark.report.folder import save
from sagellm_benchmark.runs.requests import Request
from sagellm_benchmark.verdict.columns import collect
from tests import command
from tests.fakes.openai_server import Script, serving
from tests.fakes.records import a_record
from tests.fakes.samples import sample
from tests.house import ROOT

CANNOT_TELL = (
    "cannot tell: there are too few requests to say how sure these figures are; measure both with --repeats 5"
)
STREAMING = Script(itl_s=0.001)
SMALL: dict[str, Any] = {
    "workload": "custom",
    "input_tokens": 20,
    "output_tokens": 16,
    "requests": 4,
    "calibrate": False,
    "warmup": 0,
    "accept_busy": True,
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SAGELLM_ACCEPT_BUSY", "1")


@pytest.fixture
def measured() -> Runs:
    with serving(STREAMING) as server:
        return run(base_url=server.base_url, **SMALL)


@pytest.mark.waits
def test_a_run_is_returned_with_its_figures_and_its_requests(measured: Runs, tmp_path: Path) -> None:
    (one,) = measured
    assert one.valid, one.reasons
    assert one.folder.is_relative_to("outputs")
    assert one.figures["throughput_tps"] == pytest.approx(
        one.summary.numbers.figures.metrics["throughput_tps"]
    )
    assert one.latencies["ttft_ms"].count == 4
    assert one.requests["output_tokens"] == [16] * 4
    assert {len(column) for column in one.requests.values()} == {4}
    again = load(one.folder)
    assert again.requests == one.requests
    assert again.row == one.row
    assert load().folder == one.folder
    assert (tmp_path / one.folder / "report.html").is_file()


@pytest.mark.waits
def test_a_run_says_which_command_does_the_same(measured: Runs) -> None:
    assert re.fullmatch(
        r"sagellm-benchmark run --base-url http://\S+ --workload custom --requests 4 --outputs outputs "
        r"--input-tokens 20 --output-tokens 16 --no-calibrate --warmup 0 --accept-busy --seed \d+",
        measured[0].config.tool.command,
    )


@pytest.mark.waits
def test_the_documented_example_runs_as_it_stands() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/library.md").read_text(), re.DOTALL)
    said = io.StringIO()
    with serving(STREAMING) as server, contextlib.redirect_stdout(said):
        exec(example.replace("http://127.0.0.1:8000", server.base_url), {})  # noqa: S102 - it is ours
    lines = said.getvalue().splitlines()
    assert len(lines) == 4
    assert re.match(r"True [\d.]+ [\d.]+$", lines[0])


@pytest.mark.waits
def test_requests_become_a_csv_file(measured: Runs, tmp_path: Path) -> None:
    done = command.run("report", str(measured[0].folder), "--csv", "requests.csv", "--quiet", cwd=tmp_path)
    assert done.returncode == Exit.DONE, done.stderr
    with (tmp_path / "requests.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["output_tokens"] for row in rows] == ["16"] * 4
    assert rows[0]["failure"] == ""


def test_an_answer_in_one_piece_has_no_time_per_token_in_the_table() -> None:
    pieces = (sample(tokens=4), sample(tokens=4, event_s=(0.1,)))
    table_of = table.columns(Request(0, 0, "", 4, one) for one in pieces)
    assert table_of["tpot_ms"] == [pytest.approx(10.0), None]


def test_the_times_per_token_of_the_table_are_those_of_the_run() -> None:
    four = sample(tokens=8, event_s=(0.1, 0.2, 0.3, 0.4), first_share=0.25)
    two = sample(tokens=8, event_s=(0.1, 0.5), first_share=0.5)
    pieces = [four, two]  # two and four tokens an event, the first one's included
    seen = collect(pieces, lambda _: 8)
    found = table.columns(Request(0, 0, "", 8, one) for one in pieces)["tpot_ms"]
    assert found == [pytest.approx(300 / 6), pytest.approx(400 / 4)]
    assert np.mean(found) == pytest.approx(seen.tpot_s.mean() * 1e3)


def test_what_a_server_says_is_no_formula_of_a_spreadsheet(tmp_path: Path) -> None:
    table.write_csv({"detail": ["=HYPERLINK(1)", "fine", None], "turn": [-1, 0, 1]}, tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_text() == "detail,turn\n'=HYPERLINK(1),-1\nfine,0\n,1\n"


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match="pyarrow") as refusal:
        table.write_parquet({"turn": [0]}, tmp_path / "x.parquet")
    assert "isagellm-benchmark[parquet]" in str(refusal.value.hint)


def test_a_notebook_shows_the_report_in_a_frame_of_its_own(tmp_path: Path) -> None:
    save(tmp_path / "outputs/vllm/m/Q1_20260309_001", a_record(description='<b onload="x">'))
    shown = load("outputs/vllm/m/Q1_20260309_001")
    frame = shown._repr_html_()
    assert frame.startswith('<iframe srcdoc="&lt;!doctype html&gt;')
    assert " sandbox " in frame
    assert "<b" not in frame
    assert Runs([shown])._repr_html_() == frame
    assert Runs([shown, shown])._repr_html_().count("<iframe") == 1
    assert "VALID" in repr(shown)
    assert "\x1b" not in str(shown)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"concurrencies": 2}, "no option 'concurrencies'"),
        ({"versus": "http://127.0.0.1:2"}, "only the command takes --versus"),
        ({"repeats": 0}, "--repeats"),
        ({"slo": {"ttft": 200}, "rate": "fast"}, "--rate does not understand"),
    ],
)
def test_what_the_command_would_refuse_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        run(base_url="http://127.0.0.1:1", **options)


@pytest.mark.parametrize(
    ("rate", "words"),
    [(4, "4"), (Rate(2, 20), "2..20"), ([1, Rate(2, 20)], "1,2..20"), (float("inf"), "inf")],
)
def test_a_rate_is_stated_as_a_command_line_states_it(rate: Any, words: str) -> None:
    assert list(library._words({"rate": rate})) == ["--rate", words]


def test_every_option_that_python_may_state_has_its_type() -> None:
    """The TypedDict repeats, for the user's type checker, what RunOptions declares: here they are held together."""
    own = inspect.signature(run).parameters.keys() - {"listener", "more"}
    typed = get_type_hints(RunArguments)
    declared = get_type_hints(RunOptions)
    assert own | typed.keys() | COMMAND_ONLY | {"given"} == declared.keys()
    assert not own & typed.keys()
    wider = {Path | None: str | os.PathLike[str] | None, tuple[str, ...] | None: Sequence[str] | None}
    assert typed == {name: wider.get(declared[name], declared[name]) for name in typed}


def test_a_type_checker_finds_what_run_refuses() -> None:
    """Mypy itself fails on a `type: ignore` below that silences nothing."""
    with pytest.raises(UsageError, match="no option 'models'"):
        run(models="m")  # type: ignore[call-arg]
    with pytest.raises(UsageError, match="--rate does not understand"):
        run(rate="x")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="--repeats"):
        run(repeats="many")  # type: ignore[arg-type]


def test_one_run_alone_cannot_be_compared(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to compare"):
        compare(tmp_path)


def test_a_comparison_shows_itself(tmp_path: Path) -> None:
    for name, mib in (("a", 300.0), ("b", 330.0)):
        save(tmp_path / name, a_record(peak_memory_mib=mib))
    (found,) = compare(tmp_path / "a", tmp_path / "b")
    assert repr(found) == f"<Comparison of A {tmp_path}/a with B {tmp_path}/b: {CANNOT_TELL}>"
    assert str(found).splitlines()[3] == f"  {CANNOT_TELL}"
    assert found._repr_markdown_().startswith(f"### {CANNOT_TELL}\n")


def test_a_folder_without_requests_says_so(tmp_path: Path) -> None:
    save(tmp_path / "outputs/vllm/m/Q1_20260309_001", a_record())
    with pytest.raises(DataError, match="holds no requests"):
        _ = load().requests


def test_importing_the_package_imports_nothing_else() -> None:
    asked = "import sagellm_benchmark, sys; print(sorted({'click', 'numpy', 'orjson', 'jinja2'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
