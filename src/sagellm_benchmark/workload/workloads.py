"""Workloads: how many requests a server gets, how long they are, and how many are sent at once. Pure."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from sagellm_benchmark.board.scenarios import CUSTOM, DOCUMENTED
from sagellm_benchmark.errors import DataError, UsageError
from sagellm_benchmark.files import read_toml


@dataclass(frozen=True, slots=True)
class Turn:
    """One request of a conversation.

    `input_tokens` are the tokens that this turn's `text` adds to the prompt; the first turn's include those of the chat
    template. `output_tokens` is the length that the answer is asked to have.
    """

    text: str
    input_tokens: int
    output_tokens: int


Conversation = tuple[Turn, ...]
"""The turns of one conversation, in order; each request repeats all earlier turns and their answers."""


@dataclass(frozen=True, slots=True)
class Workload:
    """Requests of `input_tokens` → `output_tokens` tokens each, `concurrency` of them at a time.

    `turns` > 1 groups the requests into conversations of that many turns.
    """

    name: str
    requests: int
    input_tokens: int
    output_tokens: int
    concurrency: int
    turns: int = 1

    @property
    def conversations(self) -> int:
        """The number of conversations; the last one may be shorter."""
        return -(-self.requests // self.turns)

    @property
    def context_tokens(self) -> int:
        """The tokens of the longest prompt and its answer together: all turns of a conversation."""
        return (self.input_tokens + self.output_tokens) * self.turns

    def describe(self) -> str:
        """Return the workload in short, such as `Q5 10×(32→64)`."""
        shape = f"{self.name} {self.requests}×({self.input_tokens}→{self.output_tokens})"
        return f"{shape} in conversations of {self.turns} turns" if self.turns > 1 else shape


WORKLOADS = {
    name: Workload(name, one.requests, *one.load, turns=one.turns) for name, one in DOCUMENTED.items()
}


def find(names: str) -> tuple[Workload, ...]:
    """Return the workloads that `Q1`, `q1,Q5`, `all` or the path of a TOML file names, in that order.

    Raise UsageError for an unknown name, DataError for a damaged file.
    """
    if names.endswith(".toml"):
        return (from_toml(Path(names)),)
    if names.strip().lower() == "all":
        return tuple(WORKLOADS.values())
    wanted = [name.strip().upper() for name in names.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in WORKLOADS]
    if unknown or not wanted:
        raise UsageError(
            f"there is no workload {', '.join(unknown) or repr(names)}",
            hint=f"choose from {', '.join(WORKLOADS)}, all, custom, or a .toml file",
        )
    return tuple(WORKLOADS[name] for name in dict.fromkeys(wanted))


MOST = 10_000_000


def from_toml(path: Path) -> Workload:
    """Return the custom workload in a file: it must state `requests`, `input_tokens` and `output_tokens`.

    Raise DataError if one of them is missing, or a field is unknown or not allowed.
    """
    values = read_toml(path, example="requests = 100")
    kinds = {field.name: str if field.type == "str" else int for field in fields(Workload)}
    for name, value in values.items():
        if name not in kinds:
            raise DataError(f"{path}: there is no field {name!r}", hint=f"the fields are {', '.join(kinds)}")
        if type(value) is not kinds[name] or (isinstance(value, int) and not 1 <= value <= MOST):
            raise DataError(
                f"{path}: {name} = {value!r} is not allowed", hint="write whole numbers from 1 on"
            )
    if str(values.get("name", "")).strip().upper() in WORKLOADS:
        raise DataError(
            f"{path}: {values['name']} is a documented workload, whose lengths are part of its name",
            hint="choose another name",
        )
    missing = [name for name in ("requests", "input_tokens", "output_tokens") if name not in values]
    if missing:
        raise DataError(
            f"{path}: {', '.join(missing)} is missing", hint="docs/workloads.md shows a whole file"
        )
    return Workload(**{"name": CUSTOM, "concurrency": 1, **values})
