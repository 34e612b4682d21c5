"""The pictures of README and docs: the board's page and a run's report, as a browser shows them.

    nox -s pictures        # docs/pictures/page.png and report.png, each at most 100 kB; needs a Chromium

The page shows the rows that were published when the tests' copy of them was made; the report is that of a run of the
embedded engine, measured for it: so it wants the extra `embedded`, and a machine with nothing else to do.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from tests.site import boards

from sagellm_benchmark.site.page import page

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
MOST_BYTES = 100_000
LOAD = ("--workload", "Q5", "--concurrency", "2", "--requests", "60")


def chromium() -> str:
    """The browser's program. Leaves with what to do where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    return found or sys.exit("there is no browser: apt-get install chromium, or set CHROMIUM")


def report(outputs: Path) -> Path:
    """The report of a run of the embedded engine on this machine."""
    run = (sys.executable, "-m", "sagellm_benchmark", "run", *LOAD, "--outputs", str(outputs))
    if subprocess.run(run, check=False).returncode:
        sys.exit("the run is not valid, so that its report is no good example: see what it says")
    return next(outputs.glob("*/*/latest")) / "report.html"


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
        folder = Path(name)
        (folder / "page.html").write_bytes(page(boards.published()))
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        shoot(browser, folder / "page.html", "page.png", (1000, 690))
        shoot(browser, report(folder / "outputs"), "report.png", (860, 620))
        browser.close()


if __name__ == "__main__":
    main()
