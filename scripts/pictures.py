"""The pictures of README and docs: the board's page and a run's report, as a browser shows them.

    nox -s pictures        # docs/pictures/page.png and report.png, each at most 100 kB; needs a Chromium

Both show made-up numbers, the same whenever they are made: rows of three engines, and a run with ordinary requests.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, sync_playwright
from tests.fakes.records import a_record
from tests.fakes.samples import sample
from tests.site import boards

from sagellm_benchmark.client.sample import Sample
from sagellm_benchmark.report.html import render_html
from sagellm_benchmark.report.view import view
from sagellm_benchmark.site.page import page
from sagellm_benchmark.verdict.timeline import Recorder
from sagellm_benchmark.workload.workloads import WORKLOADS

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
MOST_BYTES = 100_000


def chromium() -> str:
    """The browser's program. Leaves with what to do where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    return found or sys.exit("there is no browser: apt-get install chromium, or set CHROMIUM")


def requests(streams: int, each: int) -> Iterator[Sample]:
    """Answers of 64 tokens, one after another on each stream, as varied as a server's."""
    rng = np.random.default_rng(7)
    for stream in range(streams):
        start = 0.0
        for index in range(each):
            gaps = [0.05 * rng.lognormal(0, 0.25), *(0.01 * rng.lognormal(0, 0.15, 63))]
            moments = tuple((start + np.cumsum(gaps)).tolist())
            text = f"{stream:5} {index:5} " * 8
            yield sample(
                start=start,
                event_s=moments,
                end_s=moments[-1],
                tokens=64,
                stream=stream,
                index=index,
                text=text,
            )
            start = moments[-1] + 0.0002


def report() -> str:
    """The report of a made-up run."""
    course = Recorder()
    samples = list(course.through(requests(streams=8, each=15)))
    course.end_repeat((0.0, max(one.end_s for one in samples)))
    workload = replace(WORKLOADS["Q5"], requests=120, concurrency=8)
    how = "8 at a time"
    record = a_record(
        samples=samples, workload=workload, load_description=how, description=f"Q5 120×(32→64), {how}"
    )
    return render_html(view(replace(record, timeline=course.timeline())))


def shoot(browser: Browser, html: Path, name: str, width: int, height: int) -> None:
    """Write a picture of what is seen first, and say how large it is."""
    shown = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light", locale="en")
    shown.goto(html.as_uri())
    path = FOLDER / name
    shown.screenshot(path=path)
    size = path.stat().st_size
    print(f"{path.relative_to(FOLDER.parents[1])}: {size:,} bytes")
    if size > MOST_BYTES:
        sys.exit(f"{name} is larger than {MOST_BYTES:,} bytes: show less of it")


def main() -> None:
    """See the module."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        (folder / "page.html").write_bytes(page(boards.fresh()))
        (folder / "report.html").write_text(report())
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        shoot(browser, folder / "page.html", "page.png", 1000, 560)
        shoot(browser, folder / "report.html", "report.png", 860, 620)
        browser.close()


if __name__ == "__main__":
    main()
