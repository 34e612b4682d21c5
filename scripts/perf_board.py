"""How fast boards are merged and aggregated, and in how much memory.

    python scripts/perf_board.py           # a table
    python scripts/perf_board.py --json    # the same for machines

Every figure is of a process of its own; the time leaves out the interpreter's start, the memory does not. A merge
takes the bytes of two board files, half of the rows published and half new, and gives those of the third, as a publish
does; the disk is left out. As machines differ, it is held against Python's own json, which only parses the same bytes
in another process right after it. An aggregation merges 100 finished runs into a board of so many rows, files and all.

Last, `sagellm-benchmark publish` of one row onto a board of 50,000, as a user starts it, against the Hub of the tests:
with an empty cache, and once more with what that left. It fails where that takes more than 400 MB of memory. `--hub`
measures nothing but this, onto other boards and for `rebuild --check`, too.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from sagellm_benchmark.board.aggregate import aggregate
from sagellm_benchmark.board.derived import tables
from sagellm_benchmark.board.entry import BOARDS, MULTI, SINGLE, Entry, board_file, entries
from sagellm_benchmark.board.folder import STANDING
from sagellm_benchmark.board.identity import submission_path
from sagellm_benchmark.board.merge import join, merge
from sagellm_benchmark.board.standing import Standing
from sagellm_benchmark.board.standing_file import to_bytes
from sagellm_benchmark.files import to_json, write_whole
from sagellm_benchmark.hub.accepted import submission_file
from sagellm_benchmark.hub.blobs import sha256
from sagellm_benchmark.hub.board import as_left
from sagellm_benchmark.hub.store import AS_LEFT, BEFORE_SUBMISSIONS, CARD

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # the tests' Hub and rows

from tests.fakes.hub_server import REPO, WRITER
from tests.fakes.rows import custom_row, new_rows

REAL = Path(__file__).resolve().parent.parent / "tests/data/published_rows.json"
SIZES = (1_000, 10_000, 100_000)
HUB_SIZES = (1_000, 10_000, 50_000)
MOST_SUBMISSIONS = 10_000  # a larger board of the benchmark has no file for each row
RUNS = 100
MOST_MIB = 381  # 400 MB, for a command beside a board of 50,000 rows


def main() -> None:
    """Measure everything and print it, or do one piece of work and print its cost."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--hub", action="store_true", help="measure publish and rebuild alone")
    parser.add_argument("--prepare", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.prepare:
        work, size, folder = given.prepare
        prepare(work, int(size), Path(folder))
    elif given.one:
        print(json.dumps(cost(given.one[0], Path(given.one[1]))))
    else:
        found = (
            [] if given.hub else [measure(work, size) for work in ("merge", "aggregate") for size in SIZES]
        )
        sizes = HUB_SIZES if given.hub else HUB_SIZES[-1:]
        costs = [one for size in sizes for one in hub_costs(size)]
        tables = [table(found)] if found else []
        said = "\n\n".join([*tables, hub_table(costs)])
        print(to_json({"board": found, "hub": costs}).decode() if given.json else said)
        if (most := max(one["peak_mib"] for one in costs)) > MOST_MIB:
            raise SystemExit(f"a command took {most} MiB of memory; it may take {MOST_MIB} MiB, 400 MB")


def measure(work: str, size: int) -> dict[str, Any]:
    """One process prepares the files and another does the work; this one stays small, as peaks are inherited."""
    with tempfile.TemporaryDirectory(prefix="perf-board-") as folder:
        run("--prepare", work, str(size), folder)
        found = {"work": work, "rows": size, **json.loads(run("--one", work, folder))}
        if work == "merge":
            found["beside_json"] = round(
                found["seconds"] / json.loads(run("--one", "parse", folder))["seconds"], 2
            )
        return found


def run(*arguments: str) -> str:
    """This script once more, in a process of its own."""
    command = [sys.executable, __file__, *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=600).stdout


def prepare(work: str, size: int, folder: Path) -> None:
    """Half of the new rows meet a published one of their configuration and half do not."""
    if work == "hub":
        prepare_hub(size, folder)
        return
    if work == "merge":
        write_whole(folder / "published.json", board(rows(range(size // 2))))
        write_whole(folder / "new.json", board(rows(range(size // 4, size // 4 * 3), faster=1.1)))
        return
    write_whole(folder / "published.json", board(rows(range(size))))
    for number, row in enumerate(new_rows(RUNS)):
        write_whole(folder / f"outputs/llama.cpp/m/Q1_20261120_{number:03}/Q1_leaderboard.json", to_json(row))


def board(of: Iterable[dict[str, Any]]) -> bytes:
    """A board file as this tool leaves it, in its canonical order."""
    return board_file(merge([], of).entries)


def rows(numbers: range, *, faster: float = 1.0) -> Iterator[dict[str, Any]]:
    """Rows as large and as varied as the real ones, each of a configuration of its own."""
    real = json.loads(REAL.read_bytes())
    for number in numbers:
        row = copy.deepcopy(real[number % len(real)])
        row["entry_id"] = str(uuid.UUID(int=number + round(faster * 10) * 10**12))
        row["model"]["name"] += f"-{number // len(real)}"
        row["metrics"]["throughput_tps"] *= faster
        yield row


def hub_costs(size: int) -> Iterator[dict[str, Any]]:
    """What the commands cost with so many rows on the board, each in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="perf-hub-") as name:
        folder = Path(name)
        run("--prepare", "hub", str(size), name)
        with hub(folder) as url:
            for work in ("publish, cold", "publish, warm", "rebuild"):
                if work != "rebuild" or size <= MOST_SUBMISSIONS:
                    yield {"work": work, "rows": size, **hub_cost(folder, url, work)}


@contextlib.contextmanager
def hub(folder: Path) -> Iterator[str]:
    """The Hub of the tests, in a process of its own, with what `prepare` made."""
    port = folder / "port"
    where = ["--port-file", str(port), "--holds", str(folder / "dataset")]
    command = [sys.executable, "-m", "tests.fakes.hub_server", *where]
    with subprocess.Popen(command, cwd=REAL.parents[2]) as server:
        try:
            while not (port.exists() and port.read_text()):
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port.read_text()}"
        finally:
            server.terminate()


def hub_cost(folder: Path, url: str, work: str) -> dict[str, Any]:
    """Seconds, peak memory and requests of one command."""
    arguments = ["rebuild", "--check"] if work == "rebuild" else ["publish", "--hf-data", str(folder / work)]
    write_whole(folder / "command.json", to_json([url, *arguments]))
    seen(url)
    measured = json.loads(run("--one", "command", str(folder)))
    asked = seen(url)
    return {**measured, "requests": sum(asked.values()), "asked": asked}


def seen(url: str) -> dict[str, int]:
    """How often the Hub was asked for what, since the last time that we wanted to know."""
    with urllib.request.urlopen(f"{url}/_seen", timeout=60) as answer:  # noqa: S310 - the Hub of the tests
        counts: dict[str, int] = json.loads(answer.read())
    return counts


def commanding(home: Path) -> Work:
    """One command of ours; its memory is that of the process below."""
    url, *arguments = json.loads((home / "command.json").read_bytes())
    env = {
        **os.environ,
        "HOME": str(home),
        "XDG_CACHE_HOME": f"{home}/cache",
        "HF_TOKEN": WRITER,
        "HF_ENDPOINT": url,
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_XET": "1",  # the Hub of the tests takes large files by the older way
    }
    command = [sys.executable, "-m", "sagellm_benchmark", *arguments, "--repo", REPO]

    def work() -> dict[str, Any]:
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=600)
        if done.returncode:
            raise SystemExit(f"{arguments[0]} ended with {done.returncode}: {done.stderr}{done.stdout}")
        return {}

    return work


def prepare_hub(size: int, folder: Path) -> None:
    """A dataset that was published to before: boards of so many rows, and a file for each of them."""
    board = [Entry.of(row) for row in sound_rows(range(size))]
    files = tables(join([], board).entries)
    files[STANDING] = to_bytes(Standing().accepting(board, (), {}, "2026-11-27T08:00:00Z"))
    files |= {
        AS_LEFT: as_left({name: sha256(files[name]) for name in BOARDS}),
        BEFORE_SUBMISSIONS: b"[]\n",
        CARD: b"# Results\n",
    }
    if size <= MOST_SUBMISSIONS:
        files |= {submission_path(entry.row): submission_file(entry) for entry in board}
    for name, content in files.items():
        path = folder / "dataset" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for number, work in enumerate(("publish, cold", "publish, warm")):
        write_whole(
            folder / work / SINGLE, to_json(list(sound_rows(range(size + number, size + number + 1))))
        )


def sound_rows(numbers: range) -> Iterator[dict[str, Any]]:
    """Rows of today's form, each of a configuration of its own."""
    return (custom_row(workload__input_length=32 + n % 900, model__name=f"m/{n // 900}") for n in numbers)


def merging(folder: Path) -> Work:
    """Two board files into a third, and how long its three parts took."""
    published_file, new_file = ((folder / name).read_bytes() for name in ("published.json", "new.json"))

    def work() -> dict[str, Any]:
        began = time.perf_counter()
        published, new = entries("published", published_file), entries("new", new_file)
        read = time.perf_counter()
        merged = join(published, new)
        joined = time.perf_counter()
        board_file(merged.entries)
        parts = {"read_s": read - began, "join_s": joined - read, "write_s": time.perf_counter() - joined}
        return {"on_board": len(merged.entries), **{name: round(part, 3) for name, part in parts.items()}}

    return work


def parsing(folder: Path) -> Work:
    """What Python's own json needs to read the two files, and nothing more."""
    files = [(folder / name).read_bytes() for name in ("published.json", "new.json")]
    return lambda: {"rows_read": sum(len(json.loads(file)) for file in files)}


def aggregating(folder: Path) -> Work:
    """What `sagellm-benchmark aggregate` does once the published board is there."""
    published = {SINGLE: (folder / "published.json").read_bytes(), MULTI: b"[]"}

    def work() -> dict[str, Any]:
        report = aggregate(folder / "outputs", folder / "hf_data", published)
        if len(report.outcomes) != RUNS:
            raise SystemExit(
                f"only {len(report.outcomes)} of {RUNS} runs were aggregated: {report.damaged[:1]}"
            )
        return {"on_board": report.total}

    return work


Work = Callable[[], dict[str, Any]]
WORK: dict[str, Callable[[Path], Work]] = {
    "merge": merging,
    "parse": parsing,
    "aggregate": aggregating,
    "command": commanding,
}


def cost(kind: str, folder: Path) -> dict[str, Any]:
    """Seconds by the clock and of the processor, and this process's peak memory."""
    work = WORK[kind](folder)
    start, cpu = time.perf_counter(), time.process_time()
    done = work()
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
    who = resource.RUSAGE_CHILDREN if kind == "command" else resource.RUSAGE_SELF
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is in bytes there and in KiB on Linux
    peak = resource.getrusage(who).ru_maxrss * unit / 2**20
    return {
        "seconds": round(seconds, 3),
        "cpu_s": round(cpu_seconds, 3),
        "peak_mib": round(peak),
        **done,
    }


def table(found: list[dict[str, Any]]) -> str:
    """One line per measurement."""
    lines = [
        f"{'':10}{'rows':>9}{'seconds':>10}{'cpu s':>9}{'peak MiB':>10}{'on board':>10}"
        f"{'read, join, write':>24}{'× json.loads':>15}"
    ]
    lines += [
        f"{one['work']:10}{one['rows']:>9,}{one['seconds']:>10.3f}{one['cpu_s']:>9.3f}"
        f"{one['peak_mib']:>10,}{one['on_board']:>10,}{_parts(one):>24}{one.get('beside_json', ''):>15}"
        for one in found
    ]
    return "\n".join(lines)


def hub_table(found: list[dict[str, Any]]) -> str:
    """One line per command."""
    lines = [f"{'':16}{'rows':>9}{'seconds':>10}{'peak MiB':>10}{'requests':>10}  of which"]
    lines += [
        f"{one['work']:16}{one['rows']:>9,}{one['seconds']:>10.2f}{one['peak_mib']:>10,}{one['requests']:>10}  "
        + ", ".join(f"{kind} {count}" for kind, count in sorted(one["asked"].items()))
        for one in found
    ]
    return "\n".join(lines)


def _parts(one: dict[str, Any]) -> str:
    return ", ".join(f"{one[name]:.3f}" for name in ("read_s", "join_s", "write_s") if name in one)


if __name__ == "__main__":
    main()
