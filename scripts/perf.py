"""How true and how cheap the load client is, against a server that logs what it truly did.

    python scripts/perf.py                 # a table: 1, 64, 256 and 1,024 streams
    python scripts/perf.py --json          # the same for machines
    python scripts/perf.py --check         # fail when the client's cost beside a bare loop's has clearly grown
    python scripts/perf.py --record        # write down that ratio as the new baseline
    python scripts/perf.py --board         # and what scripts/perf_board.py measures

Server and client run on a core each, where there are two. The client's processor time is that of its whole process:
interpreter, imports, load, and decoding every answer. The bare loop is the least that a client can do: stamp each
read and look for the end; its cost on the same work makes the ratio comparable between machines. Up to 256 streams
begin all at once; beyond, a tenth of a millisecond apart, and each at a lower pace, for the server's sake.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import uvloop

from sagellm_benchmark.address import Address
from sagellm_benchmark.client import wire
from sagellm_benchmark.client.calibration import asking, pace, stagger, timed_server
from sagellm_benchmark.client.drive import drive
from sagellm_benchmark.client.terms import Limits, Order, Target
from sagellm_benchmark.client.timed_log import Truth, read_log
from sagellm_benchmark.files import to_json, write_whole
from sagellm_benchmark.workload.schedule import Schedule

BASELINE = Path(__file__).with_name("perf_baseline.json")
TOKENS = {1: 640, 64: 131_072, 256: 524_288, 1024: 262_144}
ANSWER_TOKENS = 64
TTFT_S = 0.05
COMPARED = (64, 256)  # streams at which the bare loop runs too
CLEAR = 1.25  # a ratio that has grown by this factor is a regression, not noise


@dataclass(frozen=True, slots=True)
class Measured:
    """One client at one number of streams. Errors are reported minus true."""

    client: str
    streams: int
    tokens: int
    tokens_per_s: float
    ttft_error_ms_p50: float
    ttft_error_ms_p99: float
    itl_error_ms: float  # mean over requests of the absolute error of a request's mean ITL
    cpu_us_per_token: float
    peak_rss_mb: float
    decoding_share: float | None = None  # of the load's time, until every sample was read after it
    disk_bytes_per_token: float | None = None  # of decoded samples


@dataclass(frozen=True, slots=True)
class Job:
    """What one client process is to do."""

    client: str
    url: str
    streams: int
    requests: int
    cpu: int | None
    result: str


Seen = tuple[
    int, float, float, float, int
]  # the server's number of the request; start, first and last event; events


# In the client's process.


def work(job: Job) -> None:
    """Be the client, and write down what it saw of each request."""
    if job.cpu is not None:
        os.sched_setaffinity(0, {job.cpu})
    seen = ours(job) if job.client == "ours" else asyncio_run(bare(job))
    with Path(job.result).open("w") as file:
        file.writelines(json.dumps(one) + "\n" for one in seen)


def ours(job: Job) -> Iterator[Seen]:
    """The load client, its answers decoded."""
    with tempfile.TemporaryDirectory() as spool:
        observed = drive(
            Order(
                asking(ANSWER_TOKENS),
                job.requests,
                Schedule(concurrency=job.streams, stagger_s=stagger(job.streams)),
                Target(job.url, "timed", "chat"),
                Limits(request_s=60),
                Path(spool),
            )
        )
        disk = sum(file.stat().st_size for file in Path(spool).iterdir())
        for sample in observed.samples():
            if not sample.ok:
                raise SystemExit(f"{sample.failure}: {sample.detail}")
            number = int(sample.text.partition(" ")[0][1:])
            yield number, sample.start_s, sample.event_s[0], sample.event_s[-1], len(sample.event_s)
        after_s = time.time() - observed.started_at - observed.elapsed_s
        beside = {"decoding_share": after_s / observed.elapsed_s, "disk_bytes": disk}
        Path(f"{job.result}.beside").write_text(json.dumps(beside))


class Bare(asyncio.Protocol):
    """The least a client can do: stamp each read, and look for the end of the answer."""

    def __init__(self) -> None:
        self.reads: list[tuple[float, bytes]] = []
        self.start = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        """Note a read."""
        self.reads.append((time.monotonic(), data))
        if data.endswith(b"0\r\n\r\n"):
            self.done.set_result(None)


async def bare(job: Job) -> list[Seen]:
    """Every stream sends its requests one after the other over one connection."""
    where = Address.parse(job.url)
    target = Target(job.url, "timed", "chat")
    content = wire.body(target, ["0 is the number of this request"], [], ANSWER_TOKENS)
    request = wire.request(wire.head(target, where), content)
    seen: list[Seen] = []

    async def stream() -> None:
        transport, protocol = await asyncio.get_running_loop().create_connection(Bare, where.host, where.port)
        for _ in range(job.requests // job.streams):
            protocol.reads, protocol.done = [], asyncio.get_running_loop().create_future()
            protocol.start = time.monotonic()
            transport.write(request)
            await protocol.done
            found = re.search(rb'"#(\d+) ', protocol.reads[0][1])
            first, last = protocol.reads[0][0], protocol.reads[-1][0]
            seen.append((int(found[1]) if found else -1, protocol.start, first, last, ANSWER_TOKENS))
        transport.close()

    await asyncio.gather(*(stream() for _ in range(job.streams)))
    return seen


def asyncio_run(work: object) -> list[Seen]:
    """Run in uvloop, whatever the Python version's way to say so."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)  # type: ignore[arg-type]


# In the measuring process.


def measure(client: str, streams: int, tokens: int) -> Measured:
    """Run one client in a process of its own and hold what it says against the server's log."""
    server_cpu, client_cpu = cores()
    with tempfile.TemporaryDirectory() as folder:
        log, result = Path(folder) / "truth", Path(folder) / "seen"
        with timed_server(log, ttft_s=TTFT_S, itl_s=pace(streams), cpu=server_cpu) as url:
            job = Job(client, url, streams, max(tokens // ANSWER_TOKENS, streams), client_cpu, str(result))
            command = [sys.executable, __file__, "--work", json.dumps(asdict(job))]
            process = subprocess.Popen(command)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"the {client} client failed")
        seen: list[Seen] = [tuple(json.loads(line)) for line in result.read_text().splitlines()]
        row = summarise(
            client, streams, seen, read_log(log), usage.ru_utime + usage.ru_stime, usage.ru_maxrss
        )
        if client != "ours":
            return row
        beside = json.loads(Path(f"{result}.beside").read_text())
        return replace(
            row,
            decoding_share=beside["decoding_share"],
            disk_bytes_per_token=beside["disk_bytes"] / row.tokens,
        )


def summarise(
    client: str, streams: int, seen: list[Seen], truth: dict[int, Truth], cpu_s: float, rss: int
) -> Measured:
    """One line of the table."""
    ttft, itl = [], []
    for number, start, first, last, events in seen:
        known = truth[number]
        ttft.append(first - start - (known.sent_s[0] - known.read_s))
        itl.append(abs((last - first) - (known.sent_s[-1] - known.sent_s[0])) / (events - 1))
    tokens = sum(one[4] for one in seen)
    elapsed = max(one[3] for one in seen) - min(one[1] for one in seen)
    p50, p99 = np.percentile(ttft, [50, 99]) * 1000
    return Measured(
        client=client,
        streams=streams,
        tokens=tokens,
        tokens_per_s=tokens / elapsed,
        ttft_error_ms_p50=float(p50),
        ttft_error_ms_p99=float(p99),
        itl_error_ms=float(np.mean(itl)) * 1000,
        cpu_us_per_token=cpu_s / tokens * 1e6,
        peak_rss_mb=rss / (1 << 20 if sys.platform == "darwin" else 1 << 10),
    )


def cores() -> tuple[int | None, int | None]:
    """A core for the server and one for the client; None if processes cannot be pinned or there is only one."""
    if sys.platform != "linux":
        return None, None
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[1]) if len(usable) > 1 else (None, None)


def machine() -> str:
    """What it ran on, in a few words."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists() and (model := re.search(r"model name\s*: (.+)", info.read_text())):
        cpu = model[1]
    return f"{cpu}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def ratios(rows: list[Measured]) -> dict[str, float]:
    """Our cost beside the bare loop's on the same work, for each number of streams that ran both."""
    cost = {(row.client, row.streams): row.cpu_us_per_token for row in rows}
    return {
        str(streams): round(cost["ours", streams] / cost["bare", streams], 3)
        for client, streams in cost
        if client == "bare" and ("ours", streams) in cost
    }


def table(rows: list[Measured]) -> str:
    """The rows for people."""
    lines = [
        f"{'client':<7}{'streams':>8}{'tokens':>9}{'tokens/s':>10}{'TTFT error ms':>20}{'ITL error':>11}"
    ]
    lines[0] += (
        f"{'CPU':>11}{'peak RSS':>11}{'decoding':>10}{'disk':>10}\n"
        f"{'':<34}{'p50':>10}{'p99':>10}{'ms':>11}{'µs/token':>11}{'MB':>11}{'% of load':>10}{'B/token':>10}"
    )
    for row in rows:
        ttft = f"{row.ttft_error_ms_p50:>10.2f}{row.ttft_error_ms_p99:>10.2f}{row.itl_error_ms:>11.4f}"
        left = f"{row.client:<7}{row.streams:>8}{row.tokens:>9}{row.tokens_per_s:>10.0f}"
        right = f"{row.cpu_us_per_token:>11.1f}{row.peak_rss_mb:>11.0f}"
        if row.decoding_share is not None and row.disk_bytes_per_token is not None:
            right += f"{row.decoding_share * 100:>10.1f}{row.disk_bytes_per_token:>10.1f}"
        lines.append(left + ttft + right)
    return "\n".join(lines)


def board(*arguments: str) -> str:
    """What the other script prints, in a process of its own: this one's memory is not to be counted."""
    command = (sys.executable, str(Path(__file__).with_name("perf_board.py")), *arguments)
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def regressions(now: dict[str, float]) -> list[str]:
    """What has clearly become worse than the baseline."""
    if not BASELINE.exists():
        return [f"there is no baseline at {BASELINE}: write one with --record"]
    before = json.loads(BASELINE.read_text())["cost_beside_a_bare_loop"]
    return [
        f"at {streams} streams a token costs {ratio:.2f}× the bare loop's; it was {before[streams]:.2f}×"
        for streams, ratio in now.items()
        if streams in before and ratio > before[streams] * CLEAR
    ]


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--check", action="store_true", help="fail on a clear regression")
    parser.add_argument("--record", action="store_true", help="write the baseline")
    parser.add_argument("--board", action="store_true", help="measure merging big boards, too")
    parser.add_argument("--streams", default="1,64,256,1024", help="comma-separated")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        work(Job(**json.loads(given.work)))
        return
    rows = []
    for streams in (int(number) for number in given.streams.split(",")):
        tokens = TOKENS.get(streams, streams * ANSWER_TOKENS * 16)
        rows.append(measure("ours", streams, tokens))
        if streams in COMPARED:
            rows.append(measure("bare", streams, tokens))
    load = os.getloadavg()[0]
    facts = {"machine": machine(), "load_average": round(load, 2), "cost_beside_a_bare_loop": ratios(rows)}
    if given.json:
        merged = json.loads(board("--json")) if given.board else {}
        print(to_json(facts | {"rows": [asdict(row) for row in rows]} | merged).decode(), end="")
    else:
        print(table(rows), f"{facts['machine']}; load average {load:.2f}", sep="\n\n", flush=True)
        print(f"\n{board()}" if given.board else "", end="")
    if given.record:
        write_whole(BASELINE, to_json(facts))
    if given.check and (worse := regressions(ratios(rows))):
        raise SystemExit("\n".join(worse))


if __name__ == "__main__":
    main()
