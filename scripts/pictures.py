"""The pictures of README and docs: the board's page and a run's report, as a browser shows them.

    nox -s pictures                         # docs/pictures/*.png, each at most 100 kB; needs a Chromium
    nox -s pictures -- --runs FOLDER        # of the runs in FOLDER, which are measured into it if there are none

Both show what the embedded engine did on this machine just before: a sweep is measured, its rows are merged, and the
page is made of them. So it wants the extra `embedded`, and a machine with nothing else to do.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, sync_playwright

from sagellm_benchmark.report import folder as runs
from sagellm_benchmark.report import html
from sagellm_benchmark.report.view import view

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
MOST_BYTES = 100_000
SWEEP = ("--workload", "Q5", "--concurrency", "1,2,4,8,16")


def chromium() -> str:
    """The browser's program. Exits with what to do if there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    return found or sys.exit("there is no browser: apt-get install chromium, or set CHROMIUM")


def program(folder: Path, *words: str) -> None:
    """One command of the tool, as a user types it."""
    ended = subprocess.run((sys.executable, "-m", "sagellm_benchmark", *words), cwd=folder, check=False)
    if ended.returncode:
        sys.exit("this is no good example: see what it says")


@dataclass(frozen=True, slots=True)
class Picture:
    """A file of docs/pictures/, and the window in which a browser shows it."""

    name: str
    shows: Literal["page", "report"]
    width: int
    until: str  # selects what is last in the picture
    colours: Literal["light", "dark"] = "light"


PICTURES = (
    Picture("page.png", "page", 1280, "#body tr:first-child"),
    Picture("page-dark.png", "page", 1280, "#body tr:first-child", "dark"),
    Picture("page-narrow.png", "page", 390, "#body tr:first-child"),
    Picture("report.png", "report", 860, "figure"),
    Picture("report-dark.png", "report", 860, "figure", "dark"),
    Picture("report-narrow.png", "report", 390, "figure"),
)


def measured(folder: Path) -> dict[str, Path]:
    """The board's page and the report of the sweep's last run; the sweep is measured unless it is there."""
    if not list(folder.glob("outputs/*/*/*/summary.json")):
        program(folder, "run", *SWEEP)
    program(folder, "aggregate", "--offline")
    program(folder, "site", "--from", "hf_data", "--out", "site")
    report = folder / "report.html"
    report.write_text(html.render_html(view(runs.load(next(folder.glob("outputs/*/*/latest"))))))
    return {"page": folder / "site" / "index.html", "report": report}


def shoot(browser: Browser, shown: Path, picture: Picture) -> None:
    """Write a picture of what is seen first, and say how large it is."""
    page = browser.new_page(
        viewport={"width": picture.width, "height": 1000}, color_scheme=picture.colours, locale="en"
    )
    page.goto(shown.as_uri())
    path = FOLDER / picture.name
    bottom = page.locator(picture.until).first.evaluate("(one) => one.getBoundingClientRect().bottom + 2")
    page.screenshot(
        path=path, full_page=True, clip={"x": 0, "y": 0, "width": picture.width, "height": bottom}
    )
    written = path.stat().st_size
    print(f"{path.relative_to(FOLDER.parents[1])}: {written:,} bytes")
    if written > MOST_BYTES:
        sys.exit(f"{picture.name} is larger than {MOST_BYTES:,} bytes: show less of it")


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=Path, help="where the runs are kept")
    kept = parser.parse_args().runs
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = kept or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        found = measured(folder)
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for picture in PICTURES:
            shoot(browser, found[picture.shows], picture)
        browser.close()


if __name__ == "__main__":
    main()
