"""A run's requests in other people's tools, where these are installed: `nox -s datasets`."""

from __future__ import annotations

from pathlib import Path

import pytest

from sagellm_benchmark import load
from sagellm_benchmark.errors import Exit
from sagellm_benchmark.report import table
from tests import command
from tests.fakes.openai_server import Script, serving

parquet = pytest.importorskip("pyarrow.parquet", reason="NO PYARROW: no Parquet was written; nox -s datasets")
pandas = pytest.importorskip("pandas", reason="NO PANDAS: no data frame was made; nox -s datasets")
polars = pytest.importorskip("polars", reason="NO POLARS: no data frame was made; nox -s datasets")

LOAD = (
    *("--workload", "custom", "--input-tokens", "20", "--output-tokens", "16", "--requests", "4"),
    *("--no-calibrate", "--warmup", "0", "--quiet"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where one run of four requests lies."""
    home = tmp_path_factory.mktemp("frames")
    with serving(Script(itl_s=0.001)) as server:
        done = command.run("run", "--base-url", server.base_url, *LOAD, cwd=home)
    assert done.returncode == Exit.DONE, done.stderr
    return next(home.glob("outputs/*/*/latest"))


def test_none_is_null_in_a_parquet_file(tmp_path: Path) -> None:
    table.write_parquet({"turn": [0, 1], "ttft_ms": [1.5, None]}, tmp_path / "x.parquet")
    assert parquet.read_table(tmp_path / "x.parquet").to_pydict() == {"turn": [0, 1], "ttft_ms": [1.5, None]}


@pytest.mark.slow
def test_the_command_writes_every_request_into_a_parquet_file(folder: Path, tmp_path: Path) -> None:
    done = command.run("report", str(folder), "--parquet", "requests.parquet", "--quiet", cwd=tmp_path)
    assert done.returncode == Exit.DONE, done.stderr
    read = parquet.read_table(tmp_path / "requests.parquet")
    assert read.column("output_tokens").to_pylist() == [16] * 4
    assert str(read.schema.field("ttft_ms").type) == "double"


@pytest.mark.slow
def test_requests_become_a_data_frame_whose_times_are_numbers(folder: Path) -> None:
    frame = pandas.DataFrame(load(folder).requests)
    assert frame["output_tokens"].tolist() == [16] * 4
    assert frame["ttft_ms"].dtype == "float64"
    assert (frame["e2e_ms"] > frame["ttft_ms"]).all()


@pytest.mark.slow
def test_polars_makes_the_same_data_frame(folder: Path) -> None:
    requests = load(folder).requests
    frame = polars.DataFrame(requests)
    assert frame.to_dict(as_series=False) == requests
    assert (frame["output_tokens"].dtype, frame["ttft_ms"].dtype) == (polars.Int64, polars.Float64)
