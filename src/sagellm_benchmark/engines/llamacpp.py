"""The embedded llama.cpp: our own server in a child process, measured over HTTP like any other."""

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
START_BYTES_PER_SECOND = 50e6  # of a slow disk; loading is usually much faster
STOP_SECONDS = 5.0
PATIENCE = Patience(closed_s=1.0, terminated_s=STOP_SECONDS)  # it ends with its input, unless it is loading


@dataclass(frozen=True, slots=True)
class LlamaCpp:
    """Starts a server of `gguf` with `parallel` slots of `context` tokens each; its output goes to the file `log`."""

    gguf: Gguf
    parallel: int
    context: int
    log: Path
    threads: int | None = None  # None: llama.cpp chooses the number
    start_seconds: float = 60.0  # for the smallest model; a large one gets more

    @contextlib.contextmanager
    def open(self) -> Iterator[Server]:
        """Yield the server when it answers; it is stopped however the block ends.

        On Linux, it also ends with the thread that opens it, so open it in one that stays. Raise UsageError if
        xllamacpp is not installed, DataError, with the log's last words, if it does not start.
        """
        version = engine_version()
        key = secrets.token_urlsafe(24)  # so that no other program, or page in a browser, can use the server
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
    """Raise UsageError if the embedded engine, or the library for its weights, is not installed."""
    missing = [name for name in ("xllamacpp", "gguf") if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(
            f"the embedded engine is not installed (no module {' and '.join(missing)})",
            hint=f"{INSTALL}, or give the address of a running server with --base-url",
        )


def engine_version() -> str:
    """Return the version of xllamacpp, X.Y.Z; the llama.cpp inside it states none. Raise what `require` raises."""
    require()
    return importlib.metadata.version("xllamacpp")


@contextlib.contextmanager
def _started(log: Path) -> Iterator[Child]:
    """Start the child process and yield it; its errors go to the log."""
    command = (sys.executable, "-m", "sagellm_benchmark.engines.llamacpp_server")
    with logs.opened(log) as file, child(command, errors=file, patience=PATIENCE) as process:
        yield process
