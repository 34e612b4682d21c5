"""The pictures of README and docs: the board's page and a run's report, as a browser shows them.

    nox -s pictures        # docs/pictures/page.png and report.png, each at most 100 kB; needs a Chromium

Both show what the embedded engine did on this machine just before: a sweep is measured, its rows are merged, and the
page is made of them. So it wants the extra `embedded`, and a machine with nothing else to do.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
MOST_BYTES = 100_000
SWEEP = ("--workload", "Q5", "--concurrency", "1,2,4,8,16")


def chromium() -> str:
    """The browser's program. Leaves with what to do where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    return found or sys.exit("there is no browser: apt-get install chromium, or set CHROMIUM")


def program(folder: Path, *words: str) -> None:
    """One command of the tool, as a user types it."""
    ended = subprocess.run((sys.executable, "-m", "sagellm_benchmark", *words), cwd=folder, check=False)
    if ended.returncode:
        sys.exit("this is no good example: see what it says")


def measured(folder: Path) -> tuple[Path, Path]:
    """The board's page and the report of the sweep's last run."""
    program(folder, "run", *SWEEP)
    program(folder, "aggregate", "--offline")
    program(folder, "site", "--from", "hf_data", "--out", "site")
    return folder / "site" / "index.html", next(folder.glob("outputs/*/*/latest")) / "report.html"


def shoot(browser: Browser, html: Path, name: str, size: tuple[int, int]) -> None:
    """Write a picture of what is seen first, and say how large it is."""
    shown = browser.new_page(
        viewport={"width": size[0], "height": size[1]}, color_scheme="light", locale="en"
    )
    shown.goto(html.as_uri())
    path = FOLDER / name
    shown.screenshot(path=path)
    written = path.stat().st_size
    print(f"{path.relative_to(FOLDER.parents[1])}: {written:,} bytes")
    if written > MOST_BYTES:
        sys.exit(f"{name} is larger than {MOST_BYTES:,} bytes: show less of it")


def main() -> None:
    """See the module."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        board, report = measured(Path(name))
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        shoot(browser, board, "page.png", (1000, 690))
        shoot(browser, report, "report.png", (860, 620))
        browser.close()


if __name__ == "__main__":
    main()
