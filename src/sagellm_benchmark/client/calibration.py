"""Measure the client's own error by sending load to a server whose timing is known."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import Literal

import numpy as np

from sagellm_benchmark.children import Child, Patience, child
from sagellm_benchmark.client.drive import drive
from sagellm_benchmark.client.sample import Sample
from sagellm_benchmark.client.terms import ClientHealth, Limits, Observed, Order, Target
from sagellm_benchmark.client.timed_log import Truth, read_log
from sagellm_benchmark.engines.api import Api
from sagellm_benchmark.errors import RemoteError
from sagellm_benchmark.scratch import scratch
from sagellm_benchmark.workload.schedule import Schedule, busiest, constant
from sagellm_benchmark.workload.workloads import Turn

MAX_BIAS_S = 0.005  # by how much the client may report TTFT too high (p50), unless TTFT is much longer
_TTFT_S, _ITL_S = 0.05, 0.01
_TOKENS = 32
_FULL_PACE_STREAMS = 256  # beyond it, streams are slowed so that the built-in server keeps its own timing
_STAGGER_S = 0.0001
_MOST = 1024  # streams, or requests per second
_FEWEST = 8  # requests, below which the bias says little
_SHAPE_S = 0.8

_RUNGS = (25_600, 51_200, 102_400)  # tokens per second that are tried after the load's own shape
_RUNG_S = 0.1
_RUNG_TTFT_S = 0.01
_CLEAN_ITL_S = 0.001
_BUSY = 0.9  # of a core; above it, the client and not the built-in server holds up a load

_START_S = 30.0  # enough even on a busy machine
_PATIENCE = Patience(closed_s=15.0)  # for the built-in server to finish its log


@dataclass(frozen=True, slots=True)
class Bias:
    """The times that the client reported minus the true ones, over the requests that both sides know."""

    requests: int
    tokens: int
    ttft_s_p50: float
    ttft_s_p99: float
    itl_s: float  # the absolute error of a request's mean ITL, averaged over requests


@dataclass(frozen=True, slots=True)
class Calibration:
    """The client's own error at a load's shape, and up to which rate its times are right; measured before the load."""

    streams: int | None  # of a closed loop; None in an open one
    requests: int | None  # of an open loop, in its busiest 0.8 s; None in a closed one
    tokens_per_s: float  # the rate of the calibration at the load's shape
    ttft_bias_s_p50: float
    ttft_bias_s_p99: float
    itl_bias_s: float
    cpu_s_per_token: float
    clean_tokens_per_s: float | None  # the highest rate tried at which the times were right; None if at none
    limited_by: Literal["client", "server"]  # what prevented a higher rate
    most_tokens_per_s: float  # the most that its processor time allows; here each token is an event


def calibrate(load: Schedule, api: Api, *, processes: int = 1) -> Calibration:
    """Send the busiest part of a load to the built-in server, then load at higher and higher rates.

    At the load's shape, every stream gets 100 tokens per second, or fewer if there are more than 256 streams. More than
    1,024 streams or requests per second are not tried, because the built-in server would not keep its own timing. This
    takes about two seconds.

    Raise RemoteError if the built-in server cannot be started or answers nothing, KeyboardInterrupt on Ctrl-C.
    """
    shape = _shape(load)
    with scratch("sagellm-calibration-") as folder:
        log = folder / "truth"
        with timed_server(log, ttft_s=_TTFT_S, itl_s=_ITL_S) as base_url:
            steps = (shape, *_rungs(shape))
            loads = [
                step.drive(base_url, api, folder / str(number), processes)
                for number, step in enumerate(steps)
            ]
        truth = read_log(log)
        driven = [Driven(load.elapsed_s, load.health, compare(load.samples(), truth)) for load in loads]
    best, limited_by = highest_clean(driven)
    at_shape = driven[0]
    most = processes / max(min(one.cpu_s_per_token for one in driven), 1e-9)
    if limited_by == "client":
        most *= _BUSY
    if best is not None:
        most = max(best.tokens_per_s, most)
    return Calibration(
        streams=shape.schedule.concurrency,
        requests=None if shape.schedule.due_s is None else len(shape.schedule.due_s),
        tokens_per_s=at_shape.tokens_per_s,
        ttft_bias_s_p50=at_shape.bias.ttft_s_p50,
        ttft_bias_s_p99=at_shape.bias.ttft_s_p99,
        itl_bias_s=at_shape.bias.itl_s,
        cpu_s_per_token=at_shape.cpu_s_per_token,
        clean_tokens_per_s=None if best is None else best.tokens_per_s,
        limited_by=limited_by,
        most_tokens_per_s=most,
    )


@dataclass(frozen=True, slots=True)
class _Step:
    """A load to send to the built-in server, and the timing to ask of it."""

    schedule: Schedule
    ttft_s: float
    itl_s: float
    at_once: int  # the approximate number of requests in flight

    def drive(self, base_url: str, api: Api, spool: Path, processes: int) -> Observed:
        """Send the load. Raise KeyboardInterrupt if it was stopped, RemoteError if a client process was lost."""
        observed = drive(
            Order(
                asking(_TOKENS),
                None,
                self.schedule,
                Target(base_url, "timed", api, extra={"ttft_s": self.ttft_s, "itl_s": self.itl_s}),
                Limits(request_s=30.0, total_s=60.0),
                spool,
                processes=processes,
            )
        )
        if observed.interrupted:
            raise KeyboardInterrupt
        for node in observed.nodes:
            raise RemoteError(
                f"the calibration failed: {node.lost}", hint="is this machine badly overloaded?"
            )
        return observed


@dataclass(frozen=True, slots=True)
class Driven:
    """How the client performed at one load."""

    elapsed_s: float
    health: ClientHealth
    bias: Bias

    @property
    def tokens_per_s(self) -> float:
        """The rate of the load, in tokens per second."""
        return self.bias.tokens / self.elapsed_s

    @property
    def cpu_s_per_token(self) -> float:
        """Processor seconds per token, over all processes of the client."""
        return (self.health.cpu_s or 0.0) / self.bias.tokens

    @property
    def busy(self) -> bool:
        """Whether the client's processor core was saturated."""
        return (self.health.cpu_share or 0.0) > _BUSY

    @property
    def clean(self) -> bool:
        """Whether the times that the client reported agreed with the server's own."""
        return not self.busy and self.bias.ttft_s_p50 <= MAX_BIAS_S and self.bias.itl_s <= _CLEAN_ITL_S


def _shape(load: Schedule) -> _Step:
    """Return the busiest part of a load; if it has too few requests, _FEWEST evenly spaced ones instead."""
    schedule = busiest(load, _SHAPE_S, _MOST)
    if schedule.concurrency is not None:
        schedule = replace(schedule, stagger_s=stagger(schedule.concurrency))
    if schedule.due_s is not None and len(schedule.due_s) < _FEWEST:
        schedule = Schedule(due_s=constant(_FEWEST / _SHAPE_S, _FEWEST))
    answer_s = _TTFT_S + _ITL_S * _TOKENS
    at_once = schedule.concurrency or len(busiest(schedule, answer_s, _MOST).due_s or ())
    return _Step(schedule, _TTFT_S, pace(at_once), at_once)


def _rungs(shape: _Step) -> Iterator[_Step]:
    """Yield closed loops at higher rates than the shape's, slowest first."""
    streams = min(max(shape.at_once, 64), _FULL_PACE_STREAMS)
    for rate in _RUNGS:
        if rate > shape.at_once / shape.itl_s:
            yield _Step(Schedule(streams, duration_s=_RUNG_S), _RUNG_TTFT_S, streams / rate, streams)


def highest_clean(driven: Sequence[Driven]) -> tuple[Driven | None, Literal["client", "server"]]:
    """Return the fastest load before the first one that was not clean, and what reached its limit there."""
    clean = list(takewhile(lambda step: step.clean, driven))
    best = max(clean, key=lambda step: step.tokens_per_s, default=None)
    gave_out = len(clean) < len(driven) and driven[len(clean)].busy
    return best, "client" if gave_out else "server"


def pace(streams: int) -> float:
    """Return an interval between a stream's tokens, in seconds, that the built-in server can keep up."""
    return _ITL_S * max(1.0, streams / _FULL_PACE_STREAMS)


def stagger(streams: int) -> float:
    """Return the seconds between the first requests of many streams, as a burst would hold up the built-in server.

    With more than 256 streams at once, it would be late by 30 ms.
    """
    return _STAGGER_S if streams > _FULL_PACE_STREAMS else 0.0


class asking:  # noqa: N801 - reads as a function, and can be sent to another process
    """Conversations of one short turn, each asking for a given number of tokens."""

    def __init__(self, tokens: int) -> None:
        self._tokens = tokens

    def __call__(self, index: int) -> tuple[Turn, ...]:
        """Return a conversation of a few words, in which only the index differs."""
        return (Turn(f"{index} is the number of this request", 8, self._tokens),)


@contextlib.contextmanager
def timed_server(log: Path, *, ttft_s: float, itl_s: float, cpu: int | None = None) -> Iterator[str]:
    """Run the built-in server in a process of its own and yield its base URL. Its log is complete after the block.

    The server runs on core `cpu`; or else, if this process is pinned to some cores, on the others. Raise RemoteError if
    it does not start.
    """
    command = [sys.executable, "-m", "sagellm_benchmark.client.timed_server", "--log", str(log)]
    command += ["--ttft-ms", str(ttft_s * 1000), "--itl-ms", str(itl_s * 1000)]
    command += ["--beside"] if cpu is None else ["--cpu", str(cpu)]
    with child(command, patience=_PATIENCE) as process:
        yield _address(process)


def compare(samples: Iterable[Sample], truth: Mapping[int, Truth]) -> Bias:
    """Compare the client's times of each answered request with the server's own. Raise RemoteError if there is none."""
    ttft, itl, tokens = [], [], 0
    for sample in samples:
        known = truth.get(_number(sample.text))
        if (
            known is None
            or not sample.ok
            or sample.ttft_s is None
            or len(sample.event_s) != len(known.sent_s)
        ):
            continue
        ttft.append(sample.ttft_s - (known.sent_s[0] - known.read_s))
        gaps = len(sample.event_s) - 1
        if gaps:
            itl.append(abs(_span(sample.event_s) - _span(known.sent_s)) / gaps)
        tokens += len(sample.event_s)
    if not ttft:
        raise RemoteError("the built-in server did not answer", hint="is this machine badly overloaded?")
    p50, p99 = np.percentile(ttft, [50, 99])
    return Bias(len(ttft), tokens, float(p50), float(p99), float(np.mean(itl)) if itl else 0.0)


def _span(times: tuple[float, ...]) -> float:
    return times[-1] - times[0]


def _number(text: str) -> int:
    word = text.partition(" ")[0].removeprefix("#")
    return int(word) if word.isdigit() else -1


def _address(server: Child, within_s: float = _START_S) -> str:
    """Return the base URL that the built-in server prints when it is listening. Raise RemoteError if it prints none."""
    line = server.first_line(within_s)
    if line is None:
        raise RemoteError(
            f"the built-in server did not start within {within_s:g} s",
            hint="is this machine badly overloaded? --no-calibrate skips the calibration",
        )
    if not line:
        raise RemoteError("the built-in server did not start", hint="see the message above")
    return line.decode().strip()
