"""The types that all engines share: an engine as data, a server that runs one, and what a server says about itself."""

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
"""Gets a path of the server: returns the JSON object there, empty if there is none."""

Card = Mapping[str, Any]
"""A model's entry in the server's /v1/models."""

_IGNORE_EOS: Fields = {"ignore_eos": True}


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What is known about the served model. None means not known; nothing is guessed from a name."""

    name: str  # as the user names it, or else as the server does
    parameters: str | None = None  # "7B", "135M"
    precision: str | None = None  # FP32, FP16, BF16, INT8, INT4, FP8
    quantization: str | None = None  # "Q4_0", "AWQ", …
    weights: Weights | None = None
    size_bytes: int | None = None  # of the weights in memory
    context_length: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfReport:
    """What a server says about itself; None or empty if it says nothing."""

    version: str | None = None
    parameters: str | None = None
    precision: str | None = None
    quantization: str | None = None
    weights: Weights | None = None
    size_bytes: int | None = None
    context_length: int | None = None
    parallelism: Hardware = Hardware()  # only the fields that say how the model is split
    device: str | None = None  # "cpu" if it computes on the processors
    model_folder: str | None = None  # on the server's disk
    behind: tuple[tuple[str, int], ...] = ()  # host and port of each process behind the one that answers

    def completed(self, other: SelfReport) -> SelfReport:
        """Return this report, completed with what only the other one says."""
        values = {each.name: getattr(self, each.name) or getattr(other, each.name) for each in fields(self)}
        values["parallelism"] = self.parallelism.completed(other.parallelism)
        return SelfReport(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricNames:
    """An engine's series in /metrics, with `_` for `:` and without the `_total` that some versions append.

    A rate is a numerator and the series that add up to its denominator. If there are several, the first one that the
    server has counts.
    """

    prefix: str  # the beginning of all its series
    # tokens that were found in the prefix cache / those that were looked for
    hit_rate: tuple[tuple[str, tuple[str, ...]], ...] = ()
    accept_rate: tuple[tuple[str, tuple[str, ...]], ...] = ()  # accepted / speculated tokens
    acceptance: str | None = None  # the same, as a gauge of the last batch
    evictions: tuple[str, ...] = ()  # running requests that lost their cache
    used_tokens: tuple[str, ...] = ()  # tokens in the KV cache
    used_share: tuple[str, ...] = ()  # the part of the KV cache that is used
    capacity: str | None = None  # an info series whose labels state the size of the cache
    running: str | None = None  # requests that are being processed
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
    overrides: tuple[str, ...] = ()  # instead of what the packages themselves require
    stands_for: str | None = None  # NAME==VERSION of a distribution that the environment must seem to have
    index: str | None = None  # the makers' index of builds that PyPI lacks; it goes before all others
    python: str | None = None  # the only Python with builds, such as "3.12"; None: ours

    @property
    def needs_uv(self) -> bool:
        """Whether pip is not enough: it has no overrides, cannot prefer one index, and does not install Python."""
        return bool(self.overrides or self.index or self.python)

    @property
    def version(self) -> str:
        """The engine's version."""
        return self.install[0].rpartition("==")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How an engine is started.

    In the command, {bin} (the folder of its environment's commands), {variant} (cpu, cuda, rocm or ascend), {model},
    {host}, {port} and {second_port} are replaced.
    """

    command: tuple[str, ...]
    packages: Mapping[Variant, Packages] = field(default_factory=dict)
    remedies: Mapping[str, str] = field(default_factory=dict)  # what helps, by words in a failed start's log
    describe: Callable[[str], SelfReport] = lambda _log: SelfReport()  # from the beginning of its log


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """One engine as the rest of the program sees it: how to recognise, query, count and start it.

    An engine is one module in `engines/known/` and one line in `engines/registry.py`, or an entry point of another
    package in the group `sagellm_benchmark.engines`.
    """

    name: str  # as in rows
    owners: tuple[str, ...] = ()  # its models' `owned_by` and other spellings of its name, in lower case
    recognise: Callable[[Ask], bool] | None = None  # by its own endpoints, if `owned_by` says nothing
    describe: Callable[[Ask, Card], SelfReport] = lambda _ask, _card: SelfReport()
    # from the words of its command, and the precision in the config.json of weights that are not packed
    precision: Callable[[Sequence[str], str | None], str | None] = lambda _words, _stored: None
    tokenize: Callable[[Server, Api, str], int] | None = None  # a prompt's tokens, with its template's
    last_stream: Callable[[Ask], int | None] | None = None  # tokens of its latest stream, by its own report
    metrics: MetricNames | None = None
    to_length: Fields = field(default_factory=lambda: _IGNORE_EOS)  # make it generate to the asked length
    min_tokens: bool = False  # whether it takes `min_tokens`, an answer's least length, which does the same
    single_turns: Fields = field(default_factory=dict)  # sent if no two prompts share a beginning
    distribution: str | None = None  # the Python package whose version is the engine's
    components: Mapping[str, str] = field(default_factory=dict)  # a row's `versions`, and their packages
    is_sagellm: bool = False  # whether its version is the row's sagellm_version
    launch: Launch | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is ready to be measured."""

    base_url: str  # scheme://host:port[/prefix], without /v1 and without a trailing slash
    served_model: str  # the id that requests name
    engine: Engine
    engine_version: str | None
    model: ModelFacts
    local: bool  # whether it runs on this machine, so that its hardware is this machine's
    pids: tuple[int, ...] = ()  # of the processes that serve, without their descendants; empty if unknown
    device: str | None = None  # "cpu" if it computes on the processors, whatever else this machine has
    parallelism: Hardware = Hardware()  # only the fields that say how the model is split
    packages: Mapping[str, str] = field(default_factory=dict)  # its components' versions, by `packages`
    model_folder: str | None = None  # on the server's disk, if it names it
    api_key: str | None = field(default=None, repr=False)  # not in repr, since a Server may end up in a log
    session: Session = field(default_factory=Session, repr=False, compare=False)


class Opener(Protocol):
    """Starts or finds a server; leaving the context stops whatever it started."""

    def open(self) -> AbstractContextManager[Server]:
        """Yield a server that answers. Raise UsageError, DataError or RemoteError if there is none."""
        ...
