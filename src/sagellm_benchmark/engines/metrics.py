"""What a server says of itself in Prometheus's text format while it is measured: cache, preemption, speculation."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType

from sagellm_benchmark.engines.base import Server
from sagellm_benchmark.errors import RemoteError
from sagellm_benchmark.net import get_text

INTERVAL_S = 1.0
TIMEOUT_S = 3.0
_MAX_SERIES = 10_000

# Names as the engines have them, with `:` for `_` and without the `_total` that some versions append to counters.
_HIT_RATE = (  # tokens found in the prefix cache, of the tokens that were looked for: numerator and denominator
    ("vllm_prefix_cache_hits", ("vllm_prefix_cache_queries",)),
    ("vllm_gpu_prefix_cache_hits", ("vllm_gpu_prefix_cache_queries",)),
    ("sglang_cached_tokens", ("sglang_prompt_tokens",)),
    ("llamacpp_prompt_tokens_cached", ("llamacpp_prompt_tokens", "llamacpp_prompt_tokens_cached")),
)
_ACCEPT_RATE = (
    ("vllm_spec_decode_num_accepted_tokens", ("vllm_spec_decode_num_draft_tokens",)),
    ("llamacpp_spec_decode_num_accepted_tokens", ("llamacpp_spec_decode_num_draft_tokens",)),
)
_EVICTIONS = (
    "vllm_num_preemptions",
    "sglang_num_retracted_requests",
)  # running requests that lost their cache
_USED_TOKENS = ("sglang_num_used_tokens", "llamacpp_kv_cache_tokens")
_USED_SHARE = ("vllm_kv_cache_usage_perc", "vllm_gpu_cache_usage_perc")
_CAPACITY = "vllm_cache_config_info"  # an info series: its labels tell the size of the cache
_ACCEPTANCE = "sglang_spec_accept_rate"  # a gauge of the last batch
_WANTED = frozenset(
    {
        *_EVICTIONS,
        *_USED_TOKENS,
        *_USED_SHARE,
        _CAPACITY,
        _ACCEPTANCE,
        *(name for above, below in (*_HIT_RATE, *_ACCEPT_RATE) for name in (above, *below)),
    }
)
_SERIES = re.compile(
    r"^((?:vllm|sglang|llamacpp)[:_]\w{1,100})(?:\{([^\n]{0,4000})\})?[ \t]+(\S{1,40})", re.MULTILINE
)
_LABEL = re.compile(r'(\w{1,100})="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class Scrape:
    """The wanted series of one reading: values by name (one for each set of labels), and the cache's labels."""

    values: Mapping[str, Sequence[float]] = field(default_factory=dict)
    cache: Mapping[str, str] = field(default_factory=dict)

    def total(self, name: str) -> float | None:
        """The sum over all label sets: an engine with several workers has one each."""
        return sum(self.values[name]) if name in self.values else None


def parse(text: str) -> Scrape:
    """The series that we know of; lines that are no series, and values that are no finite number, are passed over."""
    values: dict[str, list[float]] = {}
    cache: dict[str, str] = {}
    for number, found in enumerate(_SERIES.finditer(text)):
        if number >= _MAX_SERIES:
            break
        name = found.group(1).replace(":", "_").removesuffix("_total")
        value = _number(found.group(3)) if name in _WANTED else None
        if value is not None:
            values.setdefault(name, []).append(value)
            if name == _CAPACITY:
                cache.update(_LABEL.findall(found.group(2) or ""))
    return Scrape(values, cache)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def figures(before: Scrape, during: Sequence[Scrape], after: Scrape) -> dict[str, float | int]:
    """A run's `prefix_hit_rate`, `kv_used_tokens` (the most), `evict_count`, `spec_accept_rate`: those that are known.

    Counters are taken as their growth over the run; one that shrank (the server was restarted) is not known.
    """
    readings = [*during, after]
    accepted = _ratio(before, after, _ACCEPT_RATE)
    found = {
        "prefix_hit_rate": _ratio(before, after, _HIT_RATE),
        "kv_used_tokens": _most_used(readings),
        "evict_count": _evictions(before, after),
        "spec_accept_rate": accepted if accepted is not None else _mean_of_gauge(readings, _ACCEPTANCE),
    }
    return {name: value for name, value in found.items() if value is not None}


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


def _evictions(before: Scrape, after: Scrape) -> int | None:
    for name in _EVICTIONS:
        grown = _growth(before, after, name)
        if grown is not None:
            return round(grown)
    return None


def _most_used(readings: Sequence[Scrape]) -> int | None:
    """The highest reading of the tokens in the cache, as told, or as a share of a capacity that is told."""
    used = [
        total for reading in readings for name in _USED_TOKENS if (total := reading.total(name)) is not None
    ]
    for reading in readings:
        capacity = _capacity(reading.cache)
        shares = [share for name in _USED_SHARE if (share := reading.total(name)) is not None]
        if capacity is not None and shares:
            used.append(shares[0] * capacity)
    return round(max(used)) if used else None


def _capacity(cache: Mapping[str, str]) -> int | None:
    """Tokens that vLLM's cache holds: stated, or blocks × block size."""
    stated, blocks, size = (
        cache.get(name, "") for name in ("kv_cache_size_tokens", "num_gpu_blocks", "block_size")
    )
    if stated.isdecimal():
        return int(stated)
    return int(blocks) * int(size) if blocks.isdecimal() and size.isdecimal() else None


def _mean_of_gauge(readings: Sequence[Scrape], name: str) -> float | None:
    """The mean of what was read while it ran; 0 is what a server without speculation says."""
    values = [total for reading in readings if (total := reading.total(name))]
    mean = sum(values) / len(values) if values else None
    return mean if mean is not None and mean <= 1 else None


class MetricsWatch:
    """Reads a server's /metrics before, once a second during, and after a run; a server without it has no figures."""

    def __init__(self, server: Server, *, interval_s: float = INTERVAL_S) -> None:
        self._url = f"{server.base_url}/metrics"
        self._api_key = server.api_key
        self._interval_s = interval_s
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="metrics-watch", daemon=True)
        self._before: Scrape | None = None
        self._during: list[Scrape] = []
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

    def figures(self) -> dict[str, float | int]:
        """As the function `figures` says, once the watch has ended; empty where the server told nothing."""
        if self._before is None or self._after is None:
            return {}
        return figures(self._before, self._during, self._after)

    def _watch(self) -> None:
        while not self._done.wait(self._interval_s):
            scrape = self._scrape()
            if scrape is not None:
                self._during.append(_gauges(scrape))

    def _scrape(self) -> Scrape | None:
        """One reading; None where there is none, which is no reason to end a run."""
        try:
            scrape = parse(get_text(self._url, timeout_s=TIMEOUT_S, api_key=self._api_key))
        except RemoteError:
            return None
        return scrape if scrape.values else None


def _gauges(scrape: Scrape) -> Scrape:
    """What a reading during the run is kept for; a long run has many."""
    kept = {*_USED_TOKENS, *_USED_SHARE, _ACCEPTANCE}
    return Scrape({name: values for name, values in scrape.values.items() if name in kept}, scrape.cache)
