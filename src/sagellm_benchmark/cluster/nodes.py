"""The nodes of a cluster as a load sees them: asked side by side, and lost when they do not answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sagellm_benchmark.errors import RemoteError


@dataclass(frozen=True, slots=True)
class Lost:
    """A node that does not answer, and what is known of why."""

    why: str


@dataclass(frozen=True, slots=True)
class HeadLost:
    """The head of the cluster, which does not answer any more."""

    name: str
    why: str

    @property
    def error(self) -> RemoteError:
        """The error to raise where nothing can go on without the head."""
        return RemoteError(
            f"the head of the Ray cluster, {self.name}, is lost: {self.why}",
            hint="start it again, then run again",
        )


class Nodes(Protocol):
    """The agents of several nodes, asked side by side."""

    @property
    def names(self) -> Sequence[str]:
        """For people: host names and addresses."""
        ...

    def head_lost(self) -> HeadLost | None:
        """Return the cluster's head if it is lost, and with it soon the whole cluster; None while it answers."""
        ...

    def ask(self, method: str, arguments: dict[int, tuple[Any, ...]], within_s: float) -> dict[int, Any]:
        """Return what the agents answer to a call of `method`, by node; a `Lost` for each that is not in time."""
        ...

    def end(self, node: int) -> None:
        """End a node's agent, and with it the node's part of a load, as far as it can be reached."""
        ...
