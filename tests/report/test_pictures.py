"""The report's pictures stand alone as SVG and PNG files, for papers and slides."""

from __future__ import annotations

import struct
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from sagellm_benchmark.errors import DataError, Exit, UsageError
from sagellm_benchmark.report import html, pictures
from sagellm_benchmark.report.folder import Finished, save
from sagellm_benchmark.workload.workloads import WORKLOADS
from tests import command
from tests.fakes.records import a_record

SVG = "{http://www.w3.org/2000/svg}"


def two_loads(folder: Path) -> list[Finished]:
    """Runs of one workload at two loads, which have a curve together."""
    return [
        save(folder / str(streams), a_record(workload=replace(WORKLOADS["Q1"], concurrency=streams)))
        for streams in (1, 4)
    ]


def test_a_pictures_file_has_its_caption_its_colours_and_its_size() -> None:
    text = pictures.standalone(html.Plot.of("TTFT", "a < b " * 20, "<svg/>"))
    drawn = ET.fromstring(text)  # noqa: S314 - ours
    assert drawn.find(f"{SVG}title").text == "a < b " * 20  # type: ignore[union-attr]
    assert len(drawn.findall(f"{SVG}text")) == 2
    assert "var(" not in text
    assert (drawn.get("width"), drawn.get("height")) == ("440", "250")


def test_each_run_gets_its_pictures_and_the_last_one_the_curves(tmp_path: Path) -> None:
    written = pictures.write_pictures(two_loads(tmp_path), "svg")
    names = {str(path.relative_to(tmp_path)) for path in written}
    assert {"1/plots/TTFT.svg", "4/plots/TTFT.svg", "4/plots/Q1-TTFT-by-load.svg"} <= names
    assert "1/plots/Q1-TTFT-by-load.svg" not in names
    assert len(names) == len(written)
    for path in written:
        ET.fromstring(path.read_bytes())  # noqa: S314 - ours


def test_a_png_is_four_times_as_wide_as_the_picture(tmp_path: Path) -> None:
    pytest.importorskip("resvg_py", reason="the extra `plot` is not installed")
    path = next(iter(pictures.write_pictures(two_loads(tmp_path)[:1], "png")))
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG")
    assert struct.unpack(">I", content[16:20]) == (1760,)


def test_without_the_extra_the_command_that_installs_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(UsageError, match="resvg-py, which is not installed") as refusal:
        pictures.write_pictures(two_loads(tmp_path), "png")
    assert "isagellm-benchmark[plot]" in str(refusal.value.hint)


def test_without_any_font_no_picture_is_drawn_that_lacks_its_labels() -> None:
    with pytest.raises(DataError, match="no font"):
        pictures._need_letters(lambda svg: b"blank")


@pytest.mark.with_children
@pytest.mark.slow
def test_report_says_what_it_wrote_and_keeps_its_json_alone(tmp_path: Path) -> None:
    save(tmp_path / "run", a_record())
    done = command.run("report", "run", "--plot", "svg", "--json", cwd=tmp_path)
    assert done.returncode == Exit.DONE, done.stderr
    assert "wrote: run/plots/TTFT.svg" in done.stderr
    assert done.stdout.startswith(("{", "["))
    assert (tmp_path / "run/plots/TTFT.svg").is_file()
