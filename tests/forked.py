"""The command in a process of its own, forked from one that has imported it already: half a second less each."""

from __future__ import annotations

import multiprocessing
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

import coverage
import pytest

STREAMS = ("stdout", "stderr")


@dataclass(frozen=True, slots=True)
class Running:
    """A command under way, and the folder that its output goes to."""

    arguments: tuple[str, ...]
    process: ForkServerProcess
    folder: Path

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended by itself."""
        if self.process.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, number)

    def ended(self, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        """Wait for its end, and return what it wrote; one that takes longer is killed."""
        self.process.join(timeout_s)
        late = self.process.exitcode is None
        if late:
            self.process.kill()
            self.process.join()
        streams = [self.folder / name for name in STREAMS]
        out, err = (stream.read_text() if stream.exists() else "" for stream in streams)
        shutil.rmtree(self.folder)
        if late:
            raise subprocess.TimeoutExpired(self.arguments, timeout_s, out, err)
        return subprocess.CompletedProcess(self.arguments, self.process.exitcode or 0, out, err)


def start(arguments: Sequence[str], cwd: Path, env: Mapping[str, str]) -> Running:
    """Start the command with its output captured."""
    folder = Path(tempfile.mkdtemp())
    streams = [folder / name for name in STREAMS]
    process = _server().Process(target=_command, args=(tuple(arguments), cwd, dict(env), streams))
    process.start()
    return Running(tuple(arguments), process, folder)


def leave_children_unmeasured(patch: pytest.MonkeyPatch) -> None:
    """Take out of the environment what tells a new process to measure its coverage."""
    for name in [name for name in os.environ if name.startswith("COVERAGE_")]:
        patch.delenv(name)


@cache
def _server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "tests.imported"])  # itself, or each command imports it
    with pytest.MonkeyPatch.context() as patch:
        leave_children_unmeasured(patch)  # what it imports, the worker has run
        forkserver.ensure_running()
    return context


def _command(arguments: tuple[str, ...], cwd: Path, env: dict[str, str], streams: Sequence[Path]) -> None:
    """Become the command: its environment, its folder, its input and output."""
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    coverage.process_startup()  # if `env` says so
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for number, stream in enumerate(streams, start=1):
        os.dup2(os.open(stream, os.O_WRONLY | os.O_CREAT, 0o600), number)
    sys.argv = ["sagellm-benchmark", *arguments]
    runpy.run_module("sagellm_benchmark", run_name="__main__", alter_sys=True)
