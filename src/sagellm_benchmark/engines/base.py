"""The types that all engines share: an engine as data, a server that runs one, and what a server reports of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Protocol

from sagellm_benchmark.engines.api import Api, Fields
from sagellm_benchmark.machine.hardware import Hardware
from sagellm_benchmark.machine.variant import Variant
from sagellm_benchmark.net.session import Session

Weights = Literal["real", "dummy"]

Ask = Callable[[str], dict[str, Any]]
"""GET of a path on the server: the JSON object there, empty where there is none."""

Card = Mapping[str, Any]
"""A model's entry in /v1/models, as the server wrote it."""

_IGNORE_EOS: Fields = {"ignore_eos": True}


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What is known of the served model. `None` is not known; nothing here is guessed from a name."""

    name: str  # as the user named it, else as the server does
    parameters: str | None = None  # "7B", "135M"
    precision: str | None = None  # FP32, FP16, BF16, INT8, INT4, FP8
    quantization: str | None = None  # "Q4_0", "AWQ", …
    weights: Weights | None = None
    size_bytes: int | None = None  # of the weights, as they lie in memory
    context_length: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfReport:
    """What a server says of itself; `None` or empty where it says nothing."""

    version: str | None = None
    parameters: str | None = None
    precision: str | None = None
    quantization: str | None = None
    weights: Weights | None = None
    size_bytes: int | None = None
    context_length: int | None = None
    parallelism: Hardware = Hardware()  # only the fields that say how the model is split
    device: str | None = None  # "cpu" where it computes on the processors
    model_folder: str | None = None  # on the server's disk
    behind: tuple[tuple[str, int], ...] = ()  # host and port of the processes behind the one that answers

    def completed(self, other: SelfReport) -> SelfReport:
        """Return this report with what only the other one says."""
        values = {each.name: getattr(self, each.name) or getattr(other, each.name) for each in fields(self)}
        values["parallelism"] = self.parallelism.completed(other.parallelism)
        return SelfReport(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricNames:
    """An engine's series in /metrics, with `_` for `:` and without the `_total` that some versions append.

    A rate is a numerator and the series that add up to its denominator; of several, the first that is there counts.
    """

    prefix: str  # what all its series begin with
    hit_rate: tuple[
        tuple[str, tuple[str, ...]], ...
    ] = ()  # tokens found in the prefix cache, of those looked for
    accept_rate: tuple[tuple[str, tuple[str, ...]], ...] = ()  # speculated tokens
    acceptance: str | None = None  # the same as a gauge of the last batch
    evictions: tuple[str, ...] = ()  # running requests that lost their cache
    used_tokens: tuple[str, ...] = ()  # of the KV cache
    used_share: tuple[str, ...] = ()
    capacity: str | None = None  # an info series: its labels tell the size of the cache
    running: str | None = None  # requests that are worked on
    waiting: str | None = None  # requests that wait for their turn

    @property
    def all(self) -> frozenset[str]:
        """Every series that is read."""
        rates = {name for above, below in (*self.hit_rate, *self.accept_rate) for name in (above, *below)}
        single = {self.acceptance, self.capacity, self.running, self.waiting} - {None}
        return frozenset(
            {*rates, *self.evictions, *self.used_tokens, *self.used_share, *filter(None, single)}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Packages:
    """The pip requirements of an engine's environment; the first is the engine itself, with its version."""

    install: tuple[str, ...]
    overrides: tuple[str, ...] = ()  # in place of what the packages themselves require
    stands_for: str | None = (
        None  # NAME==VERSION: what the engine asks for by another name than it is packaged under
    )
    index: str | None = None  # where its makers keep builds that PyPI lacks; goes before all other indexes
    python: str | None = None  # the only Python that there are builds for, such as "3.12"; None for ours

    @property
    def needs_uv(self) -> bool:
        """Whether uv is needed: pip has no overrides, cannot prefer one index, and does not install Python."""
        return bool(self.overrides or self.index or self.python)

    @property
    def version(self) -> str:
        """The engine's version."""
        return self.install[0].rpartition("==")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How an engine is started.

    In the command {bin} (its environment's commands), {variant} (cpu, cuda, rocm or ascend), {model}, {host}, {port}
    and {second_port} are filled in.
    """

    command: tuple[str, ...]
    packages: Mapping[Variant, Packages] = field(default_factory=dict)
    remedies: Mapping[str, str] = field(default_factory=dict)  # what helps, by words of a failed start
    describe: Callable[[str], SelfReport] = lambda _log: SelfReport()  # by what it writes when it starts


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """One engine as the rest of the program sees it: how to recognise, query, count and start it.

    An engine is one module of `engines/known/` and one line of `engines/registry.py`, or an entry point of another
    package in the group `sagellm_benchmark.engines`.
    """

    name: str  # as rows say it
    owners: tuple[
        str, ...
    ] = ()  # what `owned_by` says of its models, lower case; other spellings of its name
    recognise: Callable[[Ask], bool] | None = None  # by endpoints of its own, where `owned_by` says nothing
    describe: Callable[[Ask, Card], SelfReport] = lambda _ask, _card: SelfReport()
    precision: Callable[[Sequence[str], str | None], str | None] = lambda _words, _stored: (
        None
    )  # by the words of its command, and what the config.json of weights that are not packed states
    tokenize: Callable[[Server, Api, str], int] | None = None  # a prompt's tokens, its template's included
    last_stream: Callable[[Ask], int | None] | None = None  # tokens of its latest stream, by its own report
    metrics: MetricNames | None = None
    to_length: Fields = field(default_factory=lambda: _IGNORE_EOS)  # has it generate to the asked length
    min_tokens: bool = False  # it takes `min_tokens`, the least length of an answer, which does the same
    single_turns: Fields = field(default_factory=dict)  # said where no two prompts share a beginning
    distribution: str | None = None  # the Python package whose version is the engine's
    components: Mapping[str, str] = field(
        default_factory=dict
    )  # a row's `versions` and their Python packages
    is_sagellm: bool = False  # its version is the row's sagellm_version
    launch: Launch | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is ready to be measured."""

    base_url: str  # scheme://host:port[/prefix], without /v1 and without a trailing slash
    served_model: str  # the id that requests name
    engine: Engine
    engine_version: str | None
    model: ModelFacts
    local: bool  # it runs on this machine, so this machine's hardware is its hardware
    pids: tuple[int, ...] = ()  # of the processes that serve, their descendants apart; where we know them
    device: str | None = None  # "cpu" where it computes on the processors, whatever else this machine has
    parallelism: Hardware = Hardware()  # only the fields that say how the model is split
    packages: Mapping[str, str] = field(
        default_factory=dict
    )  # versions of what it is made of, by packages.py
    model_folder: str | None = None  # on the server's disk, where it names it
    api_key: str | None = field(default=None, repr=False)  # a Server may end up in a log
    session: Session = field(default_factory=Session, repr=False, compare=False)


class Opener(Protocol):
    """Starts or finds a server; leaving the context ends whatever it started."""

    def open(self) -> AbstractContextManager[Server]:
        """Yield a server that answers; raises UsageError, DataError or RemoteError otherwise."""
        ...
