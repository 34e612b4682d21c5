"""Runs against a server of this suite, their files, and ways to change them behind somebody's back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sagellm_benchmark.evidence import find, verify
from sagellm_benchmark.evidence.verify import Findings
from sagellm_benchmark.hub.directory import Directory
from tests import command
from tests.fakes.openai_server import Script, serving

KINDS: dict[str, tuple[str, ...]] = {
    "Q1": (),
    "conversations": ("--workload", "Q4"),
    "all at once": ("--workload", "Q5"),
    "repeats": ("--workload", "custom", "--input-tokens", "20", "--output-tokens", "16", "--repeats", "3"),
    "open loop": (
        *("--workload", "custom", "--input-tokens", "20", "--output-tokens", "8"),
        *("--rate", "40", "--requests", "25", "--slo", "ttft=200ms,tpot=50ms"),
    ),
    "timed": (
        *("--workload", "custom", "--input-tokens", "20", "--output-tokens", "8"),
        *("--duration", "0.6", "--warmup-seconds", "0.1", "--cooldown-seconds", "0.1"),
    ),
}


PUBLISHABLE = (
    *(
        "--precision",
        "FP16",
        "--parameters",
        "7B",
        "--vendor",
        "NVIDIA",
        "--chip-model",
        "NVIDIA H100 80GB HBM3",
    ),
    *("--weights", "real"),
    *("--chip-count", "1", "--interconnect", "None", "--memory-per-chip-gb", "80"),
)
"""What else a row must say to be published."""


def measured(home: Path, *arguments: str, script: Script | None = None, seed: int = 7) -> Path:
    """The folder of a run against a server of its own."""
    with serving(script or Script(ttft_s=0.004, itl_s=0.001)) as server:
        done = command.run(
            "run", "--no-calibrate", "--base-url", server.base_url, "--seed", str(seed), *arguments, cwd=home
        )
    folders = [path.parent for path in home.glob("outputs/*/*/*_[0-9][0-9][0-9]/summary.json")]
    assert folders, done.stdout + done.stderr
    return max(folders, key=lambda folder: (folder / "summary.json").stat().st_mtime_ns)


def verified(folder: Path) -> Findings:
    """What `verify` finds in a run's folder."""
    case = find.find(str(folder), None, lambda: Directory(folder))
    return verify.verify(case.row, case.files)


def edit(path: Path, change: Callable[[Any], None]) -> None:
    """Change a JSON file."""
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))
