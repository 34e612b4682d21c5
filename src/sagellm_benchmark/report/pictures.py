"""The report's pictures as files, for papers and slides: `report --plot svg|png`."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from sagellm_benchmark.errors import DataError, UsageError
from sagellm_benchmark.files import write_whole
from sagellm_benchmark.outputs import path_part
from sagellm_benchmark.report import html, sweep
from sagellm_benchmark.report.folder import Finished
from sagellm_benchmark.report.plot import HEIGHT, WIDTH
from sagellm_benchmark.report.view import view

Format = Literal["svg", "png"]
Encoder = Callable[[str], bytes]
PLOTS = "plots"  # the folder inside a run's folder
ENLARGED = 4  # a PNG's pixels for each of the picture's: sharp on a slide and in a printed column
LETTERS = 72  # in one line of a caption
FONTS = "Noto Sans, DejaVu Sans, Liberation Sans, Arial, Helvetica, sans-serif"
_PROBE = '<svg xmlns="http://www.w3.org/2000/svg"><text y="16" style="font: 12px {}">{}</text></svg>'


def write_pictures(finished: Sequence[Finished], form: Format) -> list[Path]:
    """Write each run's pictures into its folder plots/, and the curves of several runs into that of the last.

    Raise UsageError if PNG is asked for without the extra `plot`, DataError if there are no fonts to draw with.
    """
    encode = _png if form == "png" else str.encode
    written: list[Path] = []
    for one in finished:
        written += _write(html.plots(view(one.record)), one.folder, form, encode)
    if len(finished) > 1:
        written += _write(sweep.plots([one.record for one in finished]), finished[-1].folder, form, encode)
    return written


def _write(drawn: Iterable[html.Plot], folder: Path, form: Format, encode: Encoder) -> Iterator[Path]:
    for one in drawn:
        path = folder / PLOTS / f"{path_part(one.name)}.{form}"
        write_whole(path, encode(standalone(one)))
        yield path


def standalone(one: html.Plot) -> str:
    """Return a picture with its caption and colours inside, for programs that do not know the page's style."""
    lines = textwrap.wrap(one.caption, LETTERS)
    return html.fill(
        "picture.svg",
        caption=one.caption,
        lines=lines,
        head=13 * len(lines) + 4,
        width=WIDTH,
        height=HEIGHT,
        fonts=FONTS,
        colour=_light(),
        drawn=one.svg,
    )


@cache
def _light() -> Mapping[str, str]:
    """Return the page's colours in its light scheme."""
    style = files("sagellm_benchmark.report").joinpath("templates/style.css").read_text(encoding="utf-8")
    return dict(re.findall(r"--(\w+): (#\w+)", style.partition("}")[0]))


def _png(svg: str) -> bytes:
    try:
        import resvg_py
    except ImportError as error:
        raise UsageError(
            "PNG needs resvg-py, which is not installed",
            hint="pip install 'isagellm-benchmark[plot]'; --plot svg needs nothing",
        ) from error
    _need_letters(resvg_py.svg_to_bytes)
    return bytes(resvg_py.svg_to_bytes(svg, zoom=ENLARGED))


def _need_letters(draw: Callable[[str], bytes]) -> None:
    """Raise DataError if there is no font, because every label would be missing without a warning."""
    if draw(_PROBE.format(FONTS, "8")) == draw(_PROBE.format(FONTS, "")):
        raise DataError(
            "this machine has no font for the labels of a PNG",
            hint="install one, such as Debian's fonts-dejavu-core; --plot svg needs none",
        )
