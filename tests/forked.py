"""The command in a process of its own, forked from one that has imported it already: half a second less each.

What the Hub's library reads of the environment it reads when it is imported, so it is not among what is imported.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path

IMPORTED = [
    "sagellm_benchmark.cli",
    "sagellm_benchmark.evidence.verify",
    "sagellm_benchmark.hub.directory",
    "sagellm_benchmark.hub.publish",
    "sagellm_benchmark.report.folder",
    "sagellm_benchmark.report.publishing",
    "sagellm_benchmark.report.screen",
    "sagellm_benchmark.runs.pipeline",
]


def run(
    arguments: Sequence[str], cwd: Path, env: Mapping[str, str], timeout_s: float
) -> subprocess.CompletedProcess[str]:
    """Run the command as `subprocess.run` would, with its output captured."""
    with tempfile.TemporaryDirectory() as folder:
        streams = (Path(folder, "stdout"), Path(folder, "stderr"))
        process = _server().Process(target=_command, args=(tuple(arguments), cwd, dict(env), streams))
        process.start()
        process.join(timeout_s)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(list(arguments), timeout_s)
        out, err = (stream.read_text() if stream.exists() else "" for stream in streams)
    return subprocess.CompletedProcess(list(arguments), process.exitcode, out, err)


@cache
def _server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    return context


def _command(arguments: tuple[str, ...], cwd: Path, env: dict[str, str], streams: tuple[Path, Path]) -> None:
    """Become the command: its environment, its folder, its input and output."""
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for number, stream in enumerate(streams, start=1):
        os.dup2(os.open(stream, os.O_WRONLY | os.O_CREAT, 0o600), number)
    sys.argv = ["sagellm-benchmark", *arguments]
    runpy.run_module("sagellm_benchmark", run_name="__main__", alter_sys=True)
