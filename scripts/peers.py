"""The best-known load clients on the same work, against the same server, in the same call.

    python scripts/peers.py                       # a table at 64 and 256 streams
    python scripts/peers.py --envs DIR --json     # keep the peers' environments; print for machines

Each peer is installed into an environment of its own (guidellm brings torch: 6 GB; aiperf: 1 GB). All of them run as
a user would run them, with their defaults, pinned to one core; the server has the other. What each reports is held
against the server's own log of the same run. Processor time is that of the whole process tree, everything included.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from perf import ANSWER_TOKENS, TTFT_S, cores, machine

from sagellm_benchmark.client.calibration import pace, timed_server
from sagellm_benchmark.client.timed_log import Truth, read_log
from sagellm_benchmark.files import to_json

REQUESTS = {64: 1024, 256: 2048}
PROMPT_WORDS = 16
TIMEOUT_S = 900


@dataclass(frozen=True, slots=True)
class Work:
    """What a client is asked to do, and a folder for whatever it writes."""

    url: str
    streams: int
    requests: int
    folder: Path


@dataclass(frozen=True, slots=True)
class Reported:
    """What a client says it saw, in milliseconds."""

    ttft_p50: float
    ttft_p99: float
    itl_mean: float


@dataclass(frozen=True, slots=True)
class Client:
    """How to install a client, run it, and read its report."""

    name: str
    package: str | None  # None: it is this project, and it is here
    command: Callable[[Path, Work], list[str]]
    read: Callable[[Work], Reported]


@dataclass(frozen=True, slots=True)
class Measured:
    """One client at one number of streams. Errors are reported minus true; `problem` says why there are none."""

    client: str
    streams: int
    problem: str | None = None
    ttft_error_ms_p50: float | None = None
    ttft_error_ms_p99: float | None = None
    itl_error_ms: float | None = None
    cpu_us_per_token: float | None = None
    wall_s: float | None = None


def ours(binaries: Path, work: Work) -> list[str]:
    """This project's own command."""
    return [
        *(str(binaries / "sagellm-benchmark"), "run", "--base-url", work.url, "--workload", "custom"),
        *("--requests", str(work.requests), "--concurrency", str(work.streams)),
        *("--input-tokens", str(PROMPT_WORDS), "--output-tokens", str(ANSWER_TOKENS)),
        *("--outputs", str(work.folder / "ours")),
    ]


def read_ours(work: Work) -> Reported:
    """`summary.json`."""
    (path,) = work.folder.glob("ours/*/*/custom_*/summary.json")
    found = json.loads(path.read_text())
    return Reported(found["ttft_ms"]["p50"], found["ttft_ms"]["p99"], found["itl_ms"]["mean"])


def guidellm(binaries: Path, work: Work) -> list[str]:
    """Its concurrent profile over prompts of our own."""
    prompts = work.folder / "prompts.jsonl"
    lines = (
        {"prompt": prompt(number), "output_tokens_count": ANSWER_TOKENS} for number in range(work.requests)
    )
    prompts.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return [
        *(str(binaries / "guidellm"), "run", "--disable-console-interactive"),
        *("--backend", f"kind=openai_http,target={work.url},model=timed,max_tokens={ANSWER_TOKENS}"),
        *("--profile", f"kind=concurrent,streams={work.streams}"),
        *("--constraint", f"kind=max_requests,count={work.requests}"),
        *("--data", f"kind=json_file,path={prompts}"),
        *("--tokenizer", f"kind=hf_auto,model={tokenizer(work.folder)}"),
        *("--output", f"kind=json,path={work.folder / 'guidellm.json'}"),
    ]


def read_guidellm(work: Work) -> Reported:
    """Its JSON report."""
    metrics = json.loads((work.folder / "guidellm.json").read_text())["benchmarks"][0]["metrics"]
    ttft = metrics["time_to_first_token_ms"]["successful"]
    itl = metrics["inter_token_latency_ms"]["successful"]
    return Reported(ttft["percentiles"]["p50"], ttft["percentiles"]["p99"], itl["mean"])


def aiperf(binaries: Path, work: Work) -> list[str]:
    """Its concurrency mode over its own synthetic prompts."""
    return [
        *(
            str(binaries / "aiperf"),
            "profile",
            "--model",
            "timed",
            "--url",
            work.url,
            "--endpoint-type",
            "chat",
        ),
        *("--streaming", "--concurrency", str(work.streams), "--request-count", str(work.requests)),
        *("--tokenizer", tokenizer(work.folder), "--isl", str(PROMPT_WORDS), "--osl", str(ANSWER_TOKENS)),
        *("--artifact-dir", str(work.folder / "aiperf"), "--ui", "none"),
    ]


def read_aiperf(work: Work) -> Reported:
    """Its JSON export."""
    found = json.loads((work.folder / "aiperf" / "profile_export_aiperf.json").read_text())
    ttft, itl = found["time_to_first_token"], found["inter_token_latency"]
    return Reported(ttft["p50"], ttft["p99"], itl["avg"])


CLIENTS = (
    Client("sagellm-benchmark", None, ours, read_ours),
    Client("guidellm", "guidellm", guidellm, read_guidellm),
    Client("aiperf", "aiperf", aiperf, read_aiperf),
)


def prompt(number: int) -> str:
    """A short prompt that differs from all others."""
    return f"{number} " + " ".join(f"w{position}" for position in range(PROMPT_WORDS - 1))


def tokenizer(folder: Path) -> str:
    """A small word tokenizer in the Hub's format, since the peers insist on one and the Hub may be out of reach."""
    path = folder / "tokenizer"
    path.mkdir(exist_ok=True)
    words = ["[UNK]", "token", *(f"w{number}" for number in range(1000))]
    model = {"type": "WordLevel", "vocab": {word: i for i, word in enumerate(words)}, "unk_token": "[UNK]"}
    fields = dict.fromkeys(("truncation", "padding", "normalizer", "post_processor", "decoder"))
    whole: dict[str, Any] = {"version": "1.0", "added_tokens": [], "pre_tokenizer": {"type": "Whitespace"}}
    (path / "tokenizer.json").write_text(json.dumps(whole | fields | {"model": model}))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "[UNK]"}
    (path / "tokenizer_config.json").write_text(json.dumps(config))
    return str(path)


def install(client: Client, envs: Path) -> Path:
    """The folder of the client's commands, installed now if need be. CalledProcessError if that fails."""
    if client.package is None:
        return Path(sys.executable).parent
    folder = envs / client.name
    binaries = folder / ("Scripts" if sys.platform == "win32" else "bin")
    if not (binaries / client.name).exists():
        venv.create(folder, with_pip=True, clear=True)
        command = [str(binaries / "python"), "-m", "pip", "install", "--quiet", client.package]
        subprocess.run(command, check=True, capture_output=True, text=True)
    return binaries


def measure(client: Client, binaries: Path, streams: int) -> Measured:
    """Run one client once."""
    server_cpu, client_cpu = cores()
    requests = REQUESTS.get(streams, streams * 8)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = folder / "truth"
        with timed_server(log, ttft_s=TTFT_S, itl_s=pace(streams), cpu=server_cpu) as url:
            work = Work(url, streams, requests, folder)
            status, cpu_s, output = run(client.command(binaries, work), client_cpu, folder)
        try:
            reported = client.read(work)
        except (OSError, ValueError, KeyError, IndexError, TypeError):
            return Measured(client.name, streams, f"exit {status}, no report: {last_line(output)}")
        return compare(client.name, streams, reported, read_log(log), cpu_s)


def run(command: list[str], cpu: int | None, folder: Path) -> tuple[int, float, str]:
    """Run a command on one core: its exit status, the processor seconds of its whole tree, and what it printed."""
    before = os.times()
    with (folder / "output").open("w") as output:
        process = subprocess.Popen(
            command if cpu is None else ["taskset", "-c", str(cpu), *command],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            start_new_session=True,
        )
        try:
            status = process.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            status = process.wait()
    after = os.times()
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    return status, cpu_s, (folder / "output").read_text(errors="replace")


def compare(client: str, streams: int, reported: Reported, truth: dict[int, Truth], cpu_s: float) -> Measured:
    """What was reported beside what was true of the full-length answers; clients do not say which request was which."""
    answers = [known for known in truth.values() if len(known.sent_s) == ANSWER_TOKENS]
    ttft = [(known.sent_s[0] - known.read_s) * 1000 for known in answers]
    itl = [(known.sent_s[-1] - known.sent_s[0]) / (ANSWER_TOKENS - 1) * 1000 for known in answers]
    p50, p99 = np.percentile(ttft, [50, 99])
    return Measured(
        client=client,
        streams=streams,
        ttft_error_ms_p50=reported.ttft_p50 - float(p50),
        ttft_error_ms_p99=reported.ttft_p99 - float(p99),
        itl_error_ms=reported.itl_mean - float(np.mean(itl)),
        cpu_us_per_token=cpu_s / (len(answers) * ANSWER_TOKENS) * 1e6,
        wall_s=max(known.sent_s[-1] for known in answers) - min(known.read_s for known in answers),
    )


def last_line(text: str) -> str:
    """The last error that a command printed, else its last words."""
    lines = [line.strip("│ ") for line in text.splitlines() if any(character.isalnum() for character in line)]
    reasons = [line for line in lines if "error" in line.lower()] or lines
    return reasons[-1][:200] if reasons else "it printed nothing"


def table(rows: list[Measured]) -> str:
    """The rows for people."""
    lines = [
        f"{'client':<20}{'streams':>8}{'TTFT p50':>11}{'TTFT p99':>11}{'ITL mean':>11}{'CPU':>11}{'wall':>8}"
    ]
    lines.append(f"{'':<28}{'error ms':>11}{'error ms':>11}{'error ms':>11}{'µs/token':>11}{'s':>8}")
    for row in rows:
        left = f"{row.client:<20}{row.streams:>8}"
        figures = (
            row.ttft_error_ms_p50,
            row.ttft_error_ms_p99,
            row.itl_error_ms,
            row.cpu_us_per_token,
            row.wall_s,
        )
        if row.problem is not None:
            lines.append(f"{left}  not measured: {row.problem}")
            continue
        known = [0.0 if figure is None else figure for figure in figures]
        lines.append(left + "{:>+11.1f}{:>+11.1f}{:>+11.2f}{:>11.0f}{:>8.1f}".format(*known))
    return "\n".join(lines)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--envs", type=Path, help="where the peers' environments are, or are to be")
    parser.add_argument("--streams", default="64,256", help="comma-separated")
    parser.add_argument("--only", help="comma-separated names of clients")
    given = parser.parse_args()
    rows: list[Measured] = []
    with tempfile.TemporaryDirectory() as temporary:
        envs = given.envs or Path(temporary)
        for client in CLIENTS:
            if given.only and client.name not in given.only.split(","):
                continue
            rows += measure_all(client, envs, [int(number) for number in given.streams.split(",")])
    rows.sort(key=lambda row: row.streams)
    load = round(os.getloadavg()[0], 2)
    if given.json:
        rows_json = [asdict(row) for row in rows]
        print(to_json({"machine": machine(), "load_average": load, "rows": rows_json}).decode(), end="")
    else:
        print(table(rows), f"{machine()}; load average {load}", sep="\n\n")


def measure_all(client: Client, envs: Path, streams: list[int]) -> list[Measured]:
    """One client at every number of streams, or the reason why not."""
    try:
        binaries = install(client, envs)
    except (subprocess.CalledProcessError, OSError) as error:
        reason = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
        return [
            Measured(client.name, number, f"not installed: {last_line(reason or '')}") for number in streams
        ]
    return [measure(client, binaries, number) for number in streams]


if __name__ == "__main__":
    main()
