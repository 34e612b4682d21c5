"""Whether runs are VALID on an idle machine, and INVALID with the reason in numbers beside a busy loop on each core.

    python -m scripts.busy                       # 20 runs idle, then 5 busy: a quarter of an hour
    python -m scripts.busy --idle 2 --busy 1     # quicker
    python -m scripts.busy -- --workload Q2      # what follows `--` is `run`'s

Each trial is what `make bench` does: `sagellm-benchmark run` of the embedded engine on real weights. The table is
printed as it grows; the end is exit code 6 where a verdict is not what the machine deserves. Nothing else may run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sagellm_benchmark.errors import Exit
from sagellm_benchmark.text import markdown_row
from sagellm_benchmark.verdict.machine import BUSY

LOOP = "import os, sys\nwhile os.getppid() == int(sys.argv[1]): pass"  # ends with the one that started it
HEAD = (
    *("machine", "verdict", "TTFT", "tokens/s", "others used"),
    *("server waited", "client waited", "pressure", "reasons"),
)


@dataclass(frozen=True, slots=True)
class Trial:
    """One run: beside what, and its summary as `run --json` printed it."""

    busy: bool
    summary: Mapping[str, Any]

    @property
    def as_it_should_be(self) -> bool:
        """Whether it was VALID on an idle machine, or accused the machine, in numbers, on a busy one."""
        reasons = self.summary["reasons"]
        if not self.busy:
            return not reasons
        return any(one.startswith(BUSY) and "%" in one for one in reasons)

    @property
    def cells(self) -> tuple[str, ...]:
        """Its row below HEAD."""
        seen = self.summary["contention"] or {}
        shares = ("others_share", "server_wait_share", "client_wait_share", "pressure_share")
        return (
            "busy" if self.busy else "idle",
            "VALID" if self.summary["valid"] else "INVALID",
            _figure(self.summary["ttft_ms"]["mean"], ".0f", " ms"),
            _figure(self.summary["throughput_tps"], ".1f"),
            *(_figure(seen.get(share), ".0%") for share in shares),
            "; ".join(reason.partition(":")[0] for reason in self.summary["reasons"]) or "–",
        )


def _figure(value: float | None, form: str, unit: str = "") -> str:
    return "–" if value is None else f"{value:{form}}{unit}"


@contextmanager
def loops(count: int) -> Iterator[None]:
    """Keep so many cores busy, each by a program of its own."""
    running = [subprocess.Popen([sys.executable, "-c", LOOP, str(os.getpid())]) for _ in range(count)]
    try:
        yield
    finally:
        for one in running:
            one.kill()
            one.wait()


def trial(arguments: Sequence[str], *, busy: bool) -> Trial:
    """Measure once. SystemExit if there was nothing to judge, for example no engine."""
    command = [sys.executable, "-m", "sagellm_benchmark", "run", "--json", *arguments]
    with tempfile.TemporaryDirectory() as folder, loops((os.cpu_count() or 1) if busy else 0):
        done = subprocess.run([*command, "--outputs", folder], capture_output=True, text=True, check=False)
    if done.returncode not in {Exit.DONE, Exit.INVALID_RUN}:
        raise SystemExit(f"`run` ended with {done.returncode}: {done.stderr[-2000:]}")
    return Trial(busy, json.loads(done.stdout)[0]["summary"])


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--idle", type=int, default=20, metavar="N", help="runs with the machine to themselves"
    )
    parser.add_argument(
        "--busy", type=int, default=5, metavar="N", help="runs beside a busy loop on each core"
    )
    parser.add_argument("run", nargs="*", help="options of `run`")
    given = parser.parse_args()
    print(markdown_row(*HEAD), markdown_row(*["---"] * len(HEAD)), sep="\n", flush=True)
    trials = []
    for busy in (*[False] * given.idle, *[True] * given.busy):
        trials.append(trial(given.run, busy=busy))
        print(markdown_row(*trials[-1].cells), flush=True)
    wrong = sum(not one.as_it_should_be for one in trials)
    print(f"\n{len(trials) - wrong} of {len(trials)} verdicts are what the machine deserves.")
    sys.exit(Exit.INVALID_RUN if wrong else Exit.DONE)


if __name__ == "__main__":
    main()
