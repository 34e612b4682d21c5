"""One line of the matrix: a server, how it is asked, and what an honest judge says of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tests.servers.measured import PLAIN, Setting
from tests.servers.protocol import Server

Kind = Literal["honest", "lies", "spoils", "beyond a client"]


@dataclass(frozen=True, slots=True)
class Case:
    """`words` stand in a reason of an INVALID run, or beside the verdict of a VALID one."""

    name: str
    kind: Kind
    server: Callable[[], Server]
    words: str | None = None
    setting: Setting = PLAIN
    said: bool = False  # nobody can know, but the record says so: VALID, with the words beside it

    @property
    def should_be_valid(self) -> bool:
        """Whether the run's numbers may be believed, or nothing that a client sees speaks against them."""
        return self.said or self.kind in {"honest", "beyond a client"}
