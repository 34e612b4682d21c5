"""A server that one process keeps running for the runs of others, and how those are told where it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from sagellm_benchmark.errors import UsageError

VARIABLE = "SAGELLM_SERVED"
"""The environment variable that tells a run where the server is; a matrix sets it, not the user."""


@dataclass(frozen=True, slots=True)
class Served:
    """A started engine: its address, its process on this machine, and its log."""

    url: str
    pid: int
    log: Path

    def told(self) -> bytes:
        """Return the server as one line of JSON, which `of` reads."""
        return orjson.dumps({**asdict(self), "log": str(self.log)})


def of(environ: Mapping[str, str]) -> Served | None:
    """Return the server that this process is told of, if any. Raise UsageError if the variable holds anything else."""
    text = environ.get(VARIABLE)
    if not text:
        return None
    try:
        value: dict[str, Any] = orjson.loads(text)
        return Served(str(value["url"]), int(value["pid"]), Path(value["log"]))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"{VARIABLE} does not describe a server that a matrix keeps running", hint=f"unset {VARIABLE}"
        ) from error
