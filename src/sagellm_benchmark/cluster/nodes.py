"""The nodes of a cluster as a load sees them: all are asked at once, and those that do not answer are lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sagellm_benchmark.errors import RemoteError


@dataclass(frozen=True, slots=True)
class Lost:
    """A node that does not answer, with the reason as far as it is known."""

    why: str


@dataclass(frozen=True, slots=True)
class HeadLost:
    """The head of the cluster, which does not answer any more."""

    name: str
    why: str

    @property
    def error(self) -> RemoteError:
        """The error to raise if nothing can go on without the head."""
        return RemoteError(
            f"the head of the Ray cluster, {self.name}, is lost: {self.why}",
            hint="start it again, then run again",
        )


class Nodes(Protocol):
    """The agents of several nodes, which are asked at once."""

    @property
    def names(self) -> Sequence[str]:
        """The nodes' names, as they are shown to users: host names and addresses."""
        ...

    def head_lost(self) -> HeadLost | None:
        """Return the cluster's head if it is lost, after which the whole cluster soon is; None while it answers."""
        ...

    def ask(self, method: str, arguments: dict[int, tuple[Any, ...]], within_s: float) -> dict[int, Any]:
        """Call `method` of the agents, and return their answers by node; a `Lost` for each that is late or gone."""
        ...

    def end(self, node: int) -> None:
        """End a node's agent, and so the node's part of a load, if the node can be reached."""
        ...
