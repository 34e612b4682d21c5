"""llama.cpp, embedded: a server of our own in a child process, measured over HTTP like any other."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import json
import os
import secrets
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from sagellm_benchmark.children import Child, Patience, child
from sagellm_benchmark.engines import logs
from sagellm_benchmark.engines.base import Server
from sagellm_benchmark.engines.known.llamacpp import LLAMACPP
from sagellm_benchmark.errors import DataError, UsageError
from sagellm_benchmark.machine.hardware import CPU

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sagellm_benchmark.engines.gguf_facts import Gguf

INSTALL = "pip install 'isagellm-benchmark[embedded]'"
START_BYTES_PER_SECOND = 50e6  # a slow disk; loading is otherwise faster by far
STOP_SECONDS = 5.0
PATIENCE = Patience(
    closed_s=1.0, terminated_s=STOP_SECONDS
)  # it ends with its input, unless it is busy loading


@dataclass(frozen=True, slots=True)
class LlamaCpp:
    """Opens a server of `gguf` with `parallel` slots of `context` tokens each; its output goes to the file `log`."""

    gguf: Gguf
    parallel: int
    context: int
    log: Path
    threads: int | None = None  # None leaves the number to llama.cpp
    start_seconds: float = 60.0  # for a model of no size at all; a large one gets more

    @contextlib.contextmanager
    def open(self) -> Iterator[Server]:
        """Yield the server once it answers; it is stopped and reaped on every way out.

        On Linux it also ends with the thread that opened it: open it in one that stays.

        Raise UsageError when xllamacpp is not installed, DataError with the log's own words when it cannot start.
        """
        version = engine_version()
        key = secrets.token_urlsafe(24)  # else any program, or a web page in a browser here, could drive it
        with _started(self.log) as process:
            url = self._ready(process, key)
            yield Server(
                base_url=url,
                served_model=self.gguf.facts.name,
                engine=LLAMACPP,
                engine_version=version,
                model=self.gguf.facts,
                local=True,
                api_key=key,
                pids=(process.pid,),
                device=CPU,
            )

    def _ready(self, process: Child, key: str) -> str:
        settings = {
            "path": str(self.gguf.path.resolve()),
            "alias": self.gguf.facts.name,
            "parallel": self.parallel,
            "context": self.context,
            "threads": self.threads,
            "api_key": key,
            "parent": os.getpid(),
        }
        if not process.tell(json.dumps(settings).encode() + b"\n"):
            self._failed(process)
        limit = self.start_seconds + (self.gguf.facts.size_bytes or 0) / START_BYTES_PER_SECOND
        line = process.first_line(limit)
        if line is None:
            raise DataError(
                f"llama.cpp did not start serving {self.gguf.path} within {limit:.0f} s",
                hint=f"see its log {self.log}; a smaller model or quantization loads faster",
            )
        if not line:
            self._failed(process)
        return str(json.loads(line)["url"])

    def _failed(self, child: Child) -> NoReturn:
        child.ended(STOP_SECONDS)
        code = child.process.returncode
        said = "; ".join(logs.last_words(self.log)) or f"it ended with status {code} and said nothing"
        hint = f"see its log {self.log}"
        if code == -signal.SIGKILL:
            said = "it was killed, as systems do when memory runs out"
            hint = "use a smaller model or quantization, or less context"
        elif "insufficient memory" in said or "failed to allocate" in said:
            hint = "use a smaller model or quantization, fewer parallel requests, or less context"
        raise DataError(f"llama.cpp cannot serve {self.gguf.path}: {said}", hint=hint)


def require() -> None:
    """Raise UsageError where the embedded engine, or what reads and writes its weights, is not installed."""
    missing = [name for name in ("xllamacpp", "gguf") if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(
            f"the embedded engine is not installed (no module {' and '.join(missing)})",
            hint=f"{INSTALL}, or give the address of a running server with --base-url",
        )


def engine_version() -> str:
    """Return the xllamacpp release, X.Y.Z, which decides what llama.cpp is inside: its build names no version."""
    require()
    return importlib.metadata.version("xllamacpp")


@contextlib.contextmanager
def _started(log: Path) -> Iterator[Child]:
    """Give the child process, whose output and errors go to its log."""
    command = (sys.executable, "-m", "sagellm_benchmark.engines.llamacpp_server")
    with logs.opened(log) as file, child(command, errors=file, patience=PATIENCE) as process:
        yield process
