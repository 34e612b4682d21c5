"""How far the client itself can be believed: it is driven at a server whose timing is known."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from sagellm_benchmark.bench.load import Limits, Target, drive
from sagellm_benchmark.bench.sample import Sample
from sagellm_benchmark.bench.schedule import Schedule
from sagellm_benchmark.bench.timed_server import Truth, read_log
from sagellm_benchmark.bench.workload import Turn
from sagellm_benchmark.engines.base import Api
from sagellm_benchmark.errors import RemoteError

_TTFT_S = 0.05
_ITL_S = 0.01
_TOKENS = 32
_FULL_PACE_STREAMS = 256  # beyond it, streams are slowed so that the built-in server keeps its own timing
_MOST_STREAMS = 1024
_START_S = 15.0


@dataclass(frozen=True, slots=True)
class Bias:
    """Reported minus true, over the requests that both sides know."""

    requests: int
    tokens: int
    ttft_s_p50: float
    ttft_s_p99: float
    itl_s: float  # mean over requests of the absolute error of a request's mean ITL


@dataclass(frozen=True, slots=True)
class Calibration:
    """The client's own error at a load's shape, measured right before the load."""

    streams: int
    tokens_per_s: float  # what the calibration ran at
    ttft_bias_s_p50: float
    ttft_bias_s_p99: float
    itl_bias_s: float
    cpu_s_per_token: float
    clean_tokens_per_s: float  # what this client could take with each of its processes filling one core


def calibrate(streams: int, api: Api, seconds: float = 1.5, *, processes: int = 1) -> Calibration:
    """Drive the built-in server with `streams` at once, each at 100 tokens a second (slower beyond 256 streams).

    More than 1,024 streams are not tried: their number alone changes little, and they would need as many sockets.

    Raises RemoteError where the built-in server cannot be started or answers nothing.
    """
    streams = min(streams, _MOST_STREAMS)
    itl_s = pace(streams)
    with tempfile.TemporaryDirectory(prefix="sagellm-calibration-") as folder:
        log = Path(folder) / "truth"
        with timed_server(log, ttft_s=_TTFT_S, itl_s=itl_s) as base_url:
            observed = drive(
                asking(_TOKENS),
                None,
                Schedule(concurrency=streams, duration_s=max(seconds - _TTFT_S - itl_s * _TOKENS, 0.1)),
                Target(base_url, "timed", api),
                Limits(request_s=30.0, total_s=60.0),
                Path(folder),
                processes=processes,
            )
        if observed.interrupted:
            raise KeyboardInterrupt
        bias = compare(observed.samples(), read_log(log))
    cpu_s_per_token = (observed.health.cpu_s or 0.0) / bias.tokens
    return Calibration(
        streams=streams,
        tokens_per_s=bias.tokens / observed.elapsed_s,
        ttft_bias_s_p50=bias.ttft_s_p50,
        ttft_bias_s_p99=bias.ttft_s_p99,
        itl_bias_s=bias.itl_s,
        cpu_s_per_token=cpu_s_per_token,
        clean_tokens_per_s=processes / max(cpu_s_per_token, 1e-9),
    )


def pace(streams: int) -> float:
    """Seconds between a stream's tokens at which the built-in server keeps its own timing."""
    return _ITL_S * max(1.0, streams / _FULL_PACE_STREAMS)


class asking:  # noqa: N801 - reads as a function, and can be sent to another process
    """Conversations of one short turn that ask for a number of tokens."""

    def __init__(self, tokens: int) -> None:
        self._tokens = tokens

    def __call__(self, index: int) -> tuple[Turn, ...]:
        """The same few words for every index but for the index itself."""
        return (Turn(f"{index} is the number of this request", 8, self._tokens),)


@contextlib.contextmanager
def timed_server(log: Path, *, ttft_s: float, itl_s: float, cpu: int | None = None) -> Iterator[str]:
    """The built-in server in a process of its own; its base URL. Its log is whole when the block has ended."""
    command = [sys.executable, "-m", "sagellm_benchmark.bench.timed_server", "--log", str(log)]
    command += ["--ttft-ms", str(ttft_s * 1000), "--itl-ms", str(itl_s * 1000)]
    if cpu is not None:
        command += ["--cpu", str(cpu)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield _first_line(process.stdout)
        finally:
            if process.stdin is not None:
                process.stdin.close()
            try:
                process.wait(_START_S)
            except subprocess.TimeoutExpired:
                process.kill()


def compare(samples: Iterable[Sample], truth: Mapping[int, Truth]) -> Bias:
    """The client's account of each answered request against the server's own."""
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
        raise RemoteError("the built-in server answered nothing", hint="is this machine badly overloaded?")
    p50, p99 = np.percentile(ttft, [50, 99])
    return Bias(len(ttft), tokens, float(p50), float(p99), float(np.mean(itl)) if itl else 0.0)


def _span(times: tuple[float, ...]) -> float:
    return times[-1] - times[0]


def _number(text: str) -> int:
    word = text.partition(" ")[0].removeprefix("#")
    return int(word) if word.isdigit() else -1


def _first_line(output: IO[str] | None) -> str:
    line = output.readline().strip() if output is not None else ""
    if not line:
        raise RemoteError("the built-in server did not start", hint="see the message above")
    return line
