"""What a server reports in Prometheus's text format while it is measured: cache, preemptions, speculation."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType

from sagellm_benchmark.engines.base import MetricNames, Server
from sagellm_benchmark.errors import RemoteError
from sagellm_benchmark.machine.readings import Readings
from sagellm_benchmark.net.fetch import get_text

INTERVAL_S = 1.0
TIMEOUT_S = 3.0
_MAX_SERIES = 10_000
_LARGEST = 1e18  # of a value: a counter of bytes stays below it, and sums of larger ones could overflow

_SERIES = r"^(%s[:_]\w{1,100})(?:\{([^\n]{0,4000})\})?[ \t]+(\S{1,40})"
_LABEL = re.compile(r'(\w{1,100})="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class ServerFigures:
    """What a server reported over a run; None if it did not."""

    prefix_hit_rate: float | None = None  # tokens found in the prefix cache / tokens looked for
    kv_used_tokens: int | None = None  # the most tokens in the KV cache at once
    evict_count: int | None = None  # running requests that lost their cache
    spec_accept_rate: float | None = None  # accepted / speculated tokens


@dataclass(frozen=True, slots=True)
class Scrape:
    """The wanted series of one reading: values by name, one for each set of labels, and the labels of the cache."""

    values: Mapping[str, Sequence[float]] = field(default_factory=dict)
    cache: Mapping[str, str] = field(default_factory=dict)

    def total(self, name: str) -> float | None:
        """Return the sum over all sets of labels, of which each worker of an engine has one; None if there is none."""
        return sum(self.values[name]) if name in self.values else None


def parse(names: MetricNames, text: str) -> Scrape:
    """Return the series of these names, without lines and values that are not understood."""
    wanted = names.all
    values: dict[str, list[float]] = {}
    cache: dict[str, str] = {}
    for number, found in enumerate(re.finditer(_SERIES % re.escape(names.prefix), text, re.MULTILINE)):
        if number >= _MAX_SERIES:
            break
        name = found.group(1).replace(":", "_").removesuffix("_total")
        value = _number(found.group(3)) if name in wanted else None
        if value is not None:
            values.setdefault(name, []).append(value)
            if name == names.capacity:
                cache.update(_LABEL.findall(found.group(2) or ""))
    return Scrape(values, cache)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) <= _LARGEST else None


def figures(names: MetricNames, before: Scrape, during: Sequence[Scrape], after: Scrape) -> ServerFigures:
    """Return a run's figures from its readings.

    A counter counts by its growth during the run; if it shrank, because the server was restarted, it is not known.
    """
    readings = [*during, after]
    accepted = _ratio(before, after, names.accept_rate)
    return ServerFigures(
        prefix_hit_rate=_ratio(before, after, names.hit_rate),
        kv_used_tokens=_most_used(readings, names),
        evict_count=_evictions(before, after, names.evictions),
        spec_accept_rate=accepted if accepted is not None else _mean_of_gauge(readings, names.acceptance),
    )


def _growth(before: Scrape, after: Scrape, name: str) -> float | None:
    first, last = before.total(name), after.total(name)
    if last is None or (first or 0.0) > last:
        return None
    return last - (first or 0.0)  # a labelled counter has no series before its first event


def _ratio(before: Scrape, after: Scrape, names: Sequence[tuple[str, tuple[str, ...]]]) -> float | None:
    for above, below in names:
        part = _growth(before, after, above)
        wholes = [_growth(before, after, name) for name in below]
        whole = sum(value for value in wholes if value is not None)
        if part is not None and None not in wholes and whole > 0 and part <= whole:
            return part / whole
    return None


def _evictions(before: Scrape, after: Scrape, names: Sequence[str]) -> int | None:
    for name in names:
        grown = _growth(before, after, name)
        if grown is not None:
            return round(grown)
    return None


def _most_used(readings: Sequence[Scrape], names: MetricNames) -> int | None:
    """Return the highest number of tokens in the cache, as reported, or by the reported share and capacity."""
    used = [tokens for reading in readings if (tokens := _used(reading, names)) is not None]
    return round(max(used)) if used else None


def _used(reading: Scrape, names: MetricNames) -> float | None:
    """Return the tokens in the cache at one reading; None if they were not reported."""
    told = [total for name in names.used_tokens if (total := reading.total(name)) is not None]
    capacity = _capacity(reading.cache)
    shares = [share for name in names.used_share if (share := reading.total(name)) is not None]
    if capacity is not None and shares:
        told.append(shares[0] * capacity)
    return max(told, default=None)


def over_time(names: MetricNames, during: Sequence[tuple[float, Scrape]]) -> tuple[Readings, ...]:
    """Return the running and waiting requests and the tokens in the cache over time, if the server reports them."""
    counts = {"running": names.running, "waiting": names.waiting}
    found = [
        Readings.of(name, ((at, None if series is None else scrape.total(series)) for at, scrape in during))
        for name, series in counts.items()
    ]
    cached = Readings.of("kv_tokens", ((at, _used(scrape, names)) for at, scrape in during))
    return tuple(one for one in (*found, cached) if one.values)


def _capacity(cache: Mapping[str, str]) -> int | None:
    """Return how many tokens the cache can hold: as stated, or blocks × block size; None if unknown."""
    stated, blocks, size = (
        cache.get(name, "") for name in ("kv_cache_size_tokens", "num_gpu_blocks", "block_size")
    )
    if (tokens := _count(stated)) is not None:
        return tokens
    held, each = _count(blocks), _count(size)
    return None if held is None or each is None else held * each


def _count(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None


def _mean_of_gauge(readings: Sequence[Scrape], name: str | None) -> float | None:
    """Return the mean of a gauge over the readings, without zeros, which a server without speculation reports."""
    values = [] if name is None else [total for reading in readings if (total := reading.total(name))]
    mean = sum(values) / len(values) if values else None
    return mean if mean is not None and mean <= 1 else None


class MetricsWatch:
    """Reads a server's /metrics before, once a second during, and after a run; without them, there are no figures."""

    def __init__(self, server: Server, *, interval_s: float = INTERVAL_S) -> None:
        self._url = f"{server.base_url}/metrics"
        self._api_key = server.api_key
        self._names = server.engine.metrics
        self._interval_s = interval_s
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="metrics-watch", daemon=True)
        self._before: Scrape | None = None
        self._during: list[tuple[float, Scrape]] = []  # with the time on the wall clock
        self._after: Scrape | None = None

    def __enter__(self) -> MetricsWatch:
        self._before = self._scrape()
        if self._before is not None:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        if self._before is not None:
            self._thread.join()
            self._after = self._scrape()

    def figures(self) -> ServerFigures:
        """Return the server's figures after the watch has ended; all None if it reported nothing."""
        if self._names is None or self._before is None or self._after is None:
            return ServerFigures()
        return figures(self._names, self._before, [scrape for _, scrape in self._during], self._after)

    def readings(self) -> tuple[Readings, ...]:
        """Return what the server reported over time, after the watch has ended."""
        return () if self._names is None else over_time(self._names, self._during)

    def _watch(self) -> None:
        while not self._done.wait(self._interval_s):
            scrape = self._scrape()
            if scrape is not None:
                self._during.append((time.time(), scrape))

    def _scrape(self) -> Scrape | None:
        """Return one reading; None if it fails, which does not stop a run."""
        if self._names is None:
            return None
        try:
            scrape = parse(self._names, get_text(self._url, timeout_s=TIMEOUT_S, api_key=self._api_key))
        except RemoteError:
            return None
        return scrape if scrape.values else None
