"""An engine that we start with its own command, on a port of the loopback address, for as long as we measure."""

from __future__ import annotations

import contextlib
import os
import shlex
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

from sagellm_benchmark.blas import for_others
from sagellm_benchmark.children import Child, Patience, child
from sagellm_benchmark.engines import logs, registry
from sagellm_benchmark.engines.base import Server
from sagellm_benchmark.engines.endpoint import Endpoint
from sagellm_benchmark.errors import DataError, RemoteError
from sagellm_benchmark.net.fetch import get_json

HOST = "127.0.0.1"
POLL_S = 0.25
START_S = 10.0  # for the supervisor, which has little to do
LONG_S = 10.0  # after this time, the user is shown the engine's last line
SUPERVISOR = (sys.executable, "-P", "-m", "sagellm_benchmark.engines.supervisor")

OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_ENDPOINT": "http://127.0.0.1:9"}
"""For a model on this machine: otherwise, some engines ask the Hub first, or do not start without it."""


@dataclass(frozen=True, slots=True)
class Launched:
    """Starts a server. In `command`, {model}, {host}, {port} and {second_port} are replaced."""

    command: tuple[str, ...]
    served: Endpoint  # what is known about the server, except its address
    model: str
    log: Path
    say: Callable[[str], None]
    environ: Mapping[str, str] = field(default_factory=dict)  # variables in addition to our own
    grace_seconds: float = 10.0  # between SIGTERM and SIGKILL
    start_seconds: float = 1800.0  # large weights take long; meanwhile, the log's last line is shown

    @contextlib.contextmanager
    def open(self) -> Iterator[Server]:
        """Yield the server when it lists a model; however the block ends, all its processes are stopped.

        Raise DataError, with the log's last words, if it does not start.
        """
        port, second = _free_ports()
        command = filled(self.command, model=self.model, host=HOST, port=str(port), second_port=str(second))
        supervised = (*SUPERVISOR, str(self.grace_seconds), *command)
        patience = Patience(closed_s=self.grace_seconds + 2.0, terminated_s=1.0)
        url = f"http://{HOST}:{port}"
        with (
            logs.opened(self.log) as log,
            child(supervised, errors=log, env=self._environ(), patience=patience) as engine,
        ):
            pid = int(engine.first_line(START_S) or self._failed(engine, command))
            self._wait(engine, url, command)
            with replace(self.served, base_url=url, pid=pid, log=self.log).open() as server:
                yield server

    def _environ(self) -> dict[str, str]:
        offline = OFFLINE if Path(self.model).expanduser().exists() else {}
        return {**for_others(os.environ), "PYTHONUNBUFFERED": "1", **offline, **self.environ}

    def _wait(self, engine: Child, url: str, command: Sequence[str]) -> None:
        began = time.monotonic()
        while not _lists_a_model(url):
            waited = time.monotonic() - began
            if engine.ended(POLL_S):
                self._failed(engine, command)
            if waited > self.start_seconds:
                raise DataError(
                    f"{command[0]} did not start serving within {self.start_seconds:.0f} s",
                    hint=f"see its log {self.log}",
                )
            doing = ": ".join(["", *logs.last_lines(self.log, 1)]) if waited > LONG_S else ""
            self.say(f"{Path(command[0]).name} has been starting for {waited:.0f} s{doing}")

    def _failed(self, engine: Child, command: Sequence[str]) -> NoReturn:
        engine.ended(POLL_S)
        said = (
            "; ".join(logs.last_words(self.log))
            or f"it ended with status {engine.process.poll()} and said nothing"
        )
        log = f"see its log {self.log}; it was started as {shlex.join(command)}"
        remedy = self._remedy()
        raise DataError(
            f"{Path(command[0]).name} did not start: {said}",
            hint=log if remedy is None else f"{remedy}; {log}",
        )

    def _remedy(self) -> str | None:
        """Return the engine's remedy for the error in the log; None if it knows none."""
        launch = None if self.served.engine is None else registry.named(self.served.engine).launch
        known = {} if launch is None else launch.remedies
        return next((remedy for words, remedy in known.items() if logs.says(self.log, words)), None)


def filled(command: Sequence[str], **values: str) -> list[str]:
    """Return the command with each {name} replaced; other braces stay, because some options take JSON."""
    words = list(command)
    for name, value in values.items():
        words = [word.replace(f"{{{name}}}", value) for word in words]
    return words


def _lists_a_model(url: str) -> bool:
    try:
        answer = get_json(f"{url}/v1/models", timeout_s=5.0)
    except RemoteError:
        return False
    return isinstance(answer, dict) and bool(answer.get("data"))


def _free_ports() -> tuple[int, int]:
    """Return two free ports; some engines consist of two servers."""
    with socket.socket() as one, socket.socket() as other:
        for each in (one, other):
            each.bind((HOST, 0))
        return one.getsockname()[1], other.getsockname()[1]
