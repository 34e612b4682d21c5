"""The command lines of the documents, and what is only parsed of them, by name and with the reason."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.house import ROOT

DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "README.zh-CN.md", "WORKFLOW.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
PROGRAM = "sagellm-benchmark"
OURS = (PROGRAM, "make", "nox", "bash")

OTHERS = {
    "pip": "installs from an index; tests/engines/test_default_weights.py does so with an index of its own",
    "hf auth login": "asks for a token at the keyboard",
    "python -m": "starts an engine of other makers",
    "python -m scripts.verdict_matrix": "judges 165 servers; so do tests/servers and tests/verdict",
    "python scripts/perf_board.py": "publishes to boards of 50,000 rows, for minutes",
    "vllm serve": "starts an engine of other makers",
    "ray": "needs Ray and several machines; tests/cluster starts it so, where it is installed",
    "srun": "needs Slurm",
    "scontrol": "needs Slurm",
    "kubectl": "needs Kubernetes; tests/cluster/test_manifest.py holds the file to its schema",
}
"""Beginnings of other makers' commands that are not run, and why. `git` and the shell's own are."""

NEEDS_RAY = "needs a Ray cluster; tests/cluster sends loads so, where Ray is installed"
RUN_ELSEWHERE = {
    "bash scripts/local_ci_fallback.sh": "tests/test_local_ci_fallback.py, with checks of its own",
    "make ci": ".ci/run",
    "nox -s ci": ".github/workflows/ci.yml",
    "nox -s lint": ".github/workflows/ci.yml, as a step of ci",
    "nox -s tests": ".github/workflows/ci.yml, as a step of ci",
    "nox -s build": ".github/workflows/ci.yml, as a step of ci",
}
"""Beginnings of our own command lines that cannot be run in a test of themselves, and what runs them."""

ONLY_PARSED = {
    "sagellm-benchmark run … --on": NEEDS_RAY,
    "sagellm-benchmark run --base-url http://10.0.0.9:8000": NEEDS_RAY,
    "sagellm-benchmark matrix plan.toml --on": NEEDS_RAY,
    "sagellm-benchmark run --engine sagellm --model Qwen/Qwen2-7B --engine-env create": (
        "installs several GB; tests/engines/test_environment.py does so with an index of its own"
    ),
    "sagellm-benchmark report --parquet": "needs pyarrow; tests/test_data_frames.py, where that is installed",
    "sagellm-benchmark sign outputs": "opens a browser; tests/evidence/test_keyless.py signs by a Sigstore of its own",
    "sagellm-benchmark sign RUN --attach": "needs a bundle of Sigstore's; tests/evidence/test_signing.py reads some",
    "make bench MODEL=./my.gguf": "needs llama.cpp; tests/test_embedded_run.py measures such a file",
    "make test": "runs the tests, of which this is one",
    "make pythons": "runs the tests on every Python",
    "make perf": "measures for minutes",
    "make statistics": "simulates for minutes; tests/verdict holds its parts",
    "nox -s lock": "asks a package index",
    "nox -s cluster": "needs Ray",
    "nox -s datasets": "installs 500 MB",
    "nox -s engines": "installs 10 GB",
    "nox -s peers": "installs 7 GB",
    "nox -s perf": "measures for minutes",
    "nox -s pictures": "measures for minutes",
    "nox -s trials": "measures for a quarter of an hour",
}
"""Beginnings of our own command lines that are parsed and not run, and why."""

_SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")


@dataclass(frozen=True, slots=True)
class Line:
    """A command line and where it stands; one in running text may leave out what it is about."""

    where: str
    text: str
    in_prose: bool

    @property
    def words(self) -> list[str]:
        """Its words as a shell splits them; an ellipsis stands for more of them."""
        return [word for word in shlex.split(self.text, comments=True) if word != "…"]

    @property
    def why_not_run(self) -> str | None:
        """Why it is not run here."""
        known = {**RUN_ELSEWHERE, **ONLY_PARSED} if self.words[0] in OURS else OTHERS
        fitting = [beginning for beginning in known if self.text.startswith(beginning)]
        return known[max(fitting, key=len)] if fitting else None


def lines_of(document: Path) -> Iterator[Line]:
    """What stands in code blocks or between backticks and begins with the name of a program."""
    name, fenced = document.relative_to(ROOT), False
    prose: list[str] = []
    joined = re.sub(r"[ ]*\\\n\s*", " ", document.read_text())  # a command may go on in the next line
    for number, line in enumerate(joined.splitlines(), 1):
        prose.append("")
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            code = re.split(r"\s{2,}|\s#", line.strip().removeprefix("$ "))[0]
            inside = re.match(r"(?:eval \"|\w+=)\$\((.+)\)", code)
            for part in re.split(r"\s*&&\s*|\s*\|\s*", inside[1] if inside else code):
                yield from _commands(f"{name}:{number}", part, in_prose=False)
        else:
            prose[-1] = line
    text = "\n".join(prose)
    for span in _SPAN.finditer(text):
        where = f"{name}:{text.count(chr(10), 0, span.start()) + 1}"
        for part in re.split(r"\s*&&\s*", " ".join(span[1].split())):
            yield from _commands(where, part, in_prose=True)


def _commands(where: str, text: str, *, in_prose: bool) -> Iterator[Line]:
    if text.startswith("srun "):
        yield Line(where, f"{PROGRAM} {text.partition(f' {PROGRAM} ')[2]}", in_prose)
    known = {*OURS, "git", "export", *(beginning.split()[0] for beginning in OTHERS)}
    first, _, rest = text.partition(" ")
    if first in known and rest and not rest.startswith("=") and rest != "-s …":
        yield Line(where, text, in_prose)


LINES = [line for document in DOCUMENTS for line in lines_of(document)]
OWN = [line for line in LINES if line.words[0] in OURS]


def once(lines: list[Line]) -> list[Line]:
    """Of lines that say the same, the first."""
    return list({line.text: line for line in reversed(lines)}.values())[::-1]
