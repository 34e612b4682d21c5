"""Other clients' result files as sides of a comparison, judged by our checks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sagellm_benchmark.errors import DataError, UsageError
from sagellm_benchmark.runs.comparison import compared
from sagellm_benchmark.runs.foreign import files
from sagellm_benchmark.runs.foreign.side import side
from sagellm_benchmark.runs.side import Side
from sagellm_benchmark.verdict.compare import Speed
from tests.fakes import foreign


def opened(path: Path) -> Side:
    found = files.read(path)
    assert found is not None
    return side(path.name, found)


def test_guidellms_requests_give_our_figures(tmp_path: Path) -> None:
    found = opened(foreign.write_guidellm(tmp_path / "benchmarks.json", foreign.guidellm()))
    assert found.against == ()
    assert found.configuration == {"input_length": "32", "output_length": "20", "concurrency": "1"}
    assert found.estimates["ttft.mean"].value == pytest.approx(100, rel=0.01)
    assert found.estimates["itl.mean"].value == pytest.approx(10, rel=0.01)
    assert found.estimates["throughput"].value == pytest.approx(20 / 0.3, rel=0.02)
    assert found.estimates["ttft.mean"].interval is not None


def test_what_guidellm_does_not_keep_is_not_made_up(tmp_path: Path) -> None:
    found = opened(foreign.write_guidellm(tmp_path / "benchmarks.json", foreign.guidellm()))
    assert "itl.p99" not in found.estimates
    assert "gaps between events" in " ".join(found.not_checked)


def test_a_sample_of_the_requests_has_no_throughput(tmp_path: Path) -> None:
    found = opened(foreign.write_guidellm(tmp_path / "b.json", foreign.guidellm(successful=5000)))
    assert "throughput" not in found.estimates
    assert "kept only some" in " ".join(found.not_checked)


def test_one_of_several_benchmarks_is_named(tmp_path: Path) -> None:
    path = foreign.write_guidellm(tmp_path / "b.json", foreign.guidellm(), foreign.guidellm(0.2))
    with pytest.raises(UsageError, match="2 benchmarks"):
        files.read(path)
    assert opened(tmp_path / "b.json:2").estimates["ttft.mean"].value == pytest.approx(200, rel=0.01)
    with pytest.raises(UsageError, match="no 3"):
        files.read(tmp_path / "b.json:3")


@pytest.mark.parametrize("name", ["profile_export.jsonl", "profile_export_aiperf.json"])
def test_aiperfs_records_give_our_figures_without_its_warm_up(tmp_path: Path, name: str) -> None:
    found = opened(foreign.write_aiperf(tmp_path / "run").with_name(name))
    assert found.against == ()
    assert found.configuration == {"input_length": "32", "output_length": "20", "concurrency": "1"}
    assert found.estimates["ttft.mean"].value == pytest.approx(100, rel=0.01)
    assert found.estimates["itl.p99"].value == pytest.approx(10.2, rel=0.01)


def test_averages_alone_are_refused(tmp_path: Path) -> None:
    foreign.write_aiperf(tmp_path / "run").unlink()
    with pytest.raises(DataError, match="only averages"):
        files.read(tmp_path / "run/profile_export_aiperf.json")


def test_our_checks_judge_them(tmp_path: Path) -> None:
    failing = opened(foreign.write_guidellm(tmp_path / "b.json", foreign.guidellm(errored=4)))
    assert "4 of 40 requests failed" in failing.against[0]
    assert "4 of 40 requests failed" in opened(foreign.write_aiperf(tmp_path / "run", failed=4)).against[0]


def test_an_answer_that_came_in_one_piece_is_found_out(tmp_path: Path) -> None:
    path = foreign.write_aiperf(tmp_path / "run")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for one in lines:
        one["metrics"]["inter_chunk_latency"]["value"] = [0.001] * 19
    path.write_text("".join(json.dumps(one) + "\n" for one in lines))
    assert "not streamed" in opened(path).against[0]


def test_clients_are_compared_with_each_other(tmp_path: Path) -> None:
    theirs = opened(foreign.write_guidellm(tmp_path / "b.json", foreign.guidellm()))
    slower = opened(foreign.write_aiperf(tmp_path / "run", 0.12))
    found = compared(theirs, slower, force=True)
    (line,) = [one for one in found.lines if one.quantity.name == "ttft.mean"]
    assert line.verdict is Speed.SLOWER


def test_other_loads_are_refused(tmp_path: Path) -> None:
    one = foreign.guidellm()
    two = {**foreign.guidellm(), "config": {"strategy": {"type_": "concurrent", "streams": 8}}}
    path = foreign.write_guidellm(tmp_path / "b.json", one, two)
    sides = [opened(path.with_name(f"b.json:{number}")) for number in (1, 2)]
    with pytest.raises(DataError, match="concurrency is 1 in one and 8 in the other"):
        compared(*sides)


@pytest.mark.parametrize(
    "content", ["{}", "[]", '{"benchmarks": []}', '{"benchmarks": [1]}', '{"benchmarks": [{"a": 1}]}', "3"]
)
def test_other_json_is_nobodys(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_text(content)
    assert files.read(tmp_path / "x.json") is None


@pytest.mark.parametrize(
    "requests",
    [
        {},
        {"successful": None},
        {"successful": [{}]},
        {"successful": [{"info": {"timings": {"request_start": "a", "request_end": True}}}]},
        {"successful": [{"info": {"timings": {"request_start": 1e300, "request_end": -1e300}}}]},
    ],
)
def test_damaged_results_are_a_message(tmp_path: Path, requests: object) -> None:
    path = foreign.write_guidellm(tmp_path / "b.json", {**foreign.guidellm(), "requests": requests})
    with pytest.raises(DataError, match="no answered request"):
        opened(path)


REAL = Path(__file__).parents[2] / "data" / "foreign"


def test_a_file_that_guidellm_itself_wrote_gives_the_figures_that_it_states() -> None:
    """Of guidellm 0.8.1 against a server that answers after 50 ms, and then every 5 ms; trimmed to what is read."""
    path = REAL / "guidellm_0.8.1.json"
    found = opened(path)
    assert found.against == ()
    assert found.configuration == {"input_length": "16", "output_length": "64", "concurrency": "4"}
    stated = [
        one["time_to_first_token_ms"]
        for one in json.loads(path.read_bytes())["benchmarks"][0]["requests"]["successful"]
    ]
    assert found.estimates["ttft.mean"].value == pytest.approx(sum(stated) / len(stated), rel=0.001)
    assert found.estimates["ttft.p50"].value == pytest.approx(52.56, abs=0.01)
    assert found.estimates["itl.mean"].value == pytest.approx(4.98, abs=0.01)
    assert found.estimates["throughput"].value == pytest.approx(682.5, abs=0.1)


@pytest.mark.parametrize("name", ["", "profile_export.jsonl", "profile_export_aiperf.json"])
def test_a_folder_that_aiperf_itself_wrote_gives_the_figures_that_it_states(name: str) -> None:
    """Of aiperf 0.13.0 against the same server; trimmed to what is read."""
    folder = REAL / "aiperf_0.13.0"
    found = opened(folder / name)
    stated = json.loads((folder / "profile_export_aiperf.json").read_bytes())
    assert found.against == ()
    assert found.configuration["concurrency"] == "4"
    assert found.estimates["ttft.mean"].value == pytest.approx(
        stated["time_to_first_token"]["avg"], rel=0.001
    )
    # It divides by the 65 tokens that its own tokenizer counts; the server sent, and charged, 64.
    theirs = stated["inter_token_latency"]["avg"] * 64 / 63
    assert found.estimates["itl.mean"].value == pytest.approx(theirs, rel=0.005)


def test_what_two_clients_saw_of_one_server_is_compared() -> None:
    found = compared(opened(REAL / "guidellm_0.8.1.json"), opened(REAL / "aiperf_0.13.0"), force=True)
    verdicts = {one.quantity.name: one.verdict for one in found.lines}
    assert verdicts["throughput"] is Speed.CANNOT_TELL
    assert verdicts["ttft.mean"] is Speed.CANNOT_TELL
