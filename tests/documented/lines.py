"""The command lines of the documents, and what runs each of them."""

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
ENGINES = ("sagellm", "vllm", "lmdeploy", "transformers")
OTHERS = (*ENGINES, "git", "export", "pip", "hf", "python", "ray", "srun", "scontrol", "kubectl")
HERE = "tests/documented/test_run.py"

RUNNERS = {
    "tests/cluster/test_documented.py": (
        "ray",
        "srun",
        "scontrol",
        "pip install 'ray==VERSION'",
        f"{PROGRAM} run … --on",
        f"{PROGRAM} run --base-url http://10.0.0.9:8000",
        f"{PROGRAM} matrix plan.toml --on",
    ),
    "tests/cluster/test_kubectl.py": ("kubectl",),
    "tests/documented/sessions.py": (
        "pip install 'isagellm-benchmark",
        "make test",
        "make pythons",
        "make perf",
        "make statistics",
        "nox -s cluster",
        "nox -s datasets",
        "nox -s engines",
        "nox -s lock",
        "nox -s peers",
        "nox -s perf",
        "nox -s pictures",
        "nox -s tests --",
        "nox -s trials",
        "python -m scripts.verdict_matrix",
        "python scripts/perf_board.py",
    ),
    "tests/documented/test_services.py": (
        "hf auth login",
        f"{PROGRAM} sign outputs",
        f"{PROGRAM} sign RUN --attach",
        f"{PROGRAM} run --engine sagellm --model Qwen/Qwen2-7B --engine-env create",
    ),
    "tests/test_local_ci_fallback.py": ("bash scripts/local_ci_fallback.sh",),
    "scripts/engines.py": (
        "sagellm serve",
        "vllm serve",
        "transformers serve",
        "python -m llama_cpp.server",
    ),
    ".github/workflows/ci.yml": ("make ci", "nox -s ci", "nox -s lint", "nox -s tests", "nox -s build"),
}
"""Which file runs the lines that begin so, in place of tests/documented/test_run.py: the longest beginning counts."""

_GPU = "needs a GPU; tests/documented/test_parsed.py holds it to what `run` starts"
NOT_RUN = {
    "python -m sglang.launch_server": _GPU,
    "lmdeploy serve": _GPU,
    "nox -s documented": "runs tests/documented/sessions.py, and would never end if it ran itself",
}
"""Beginnings of lines that nothing runs, and why."""

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
    def runner(self) -> str | None:
        """The file that runs it, from the root; None where nothing does."""
        known: dict[str, str | None] = dict.fromkeys(NOT_RUN)
        known |= {beginning: file for file, beginnings in RUNNERS.items() for beginning in beginnings}
        fitting = [beginning for beginning in known if self.text.startswith(beginning)]
        return known[max(fitting, key=len)] if fitting else HERE


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
            _, _, comment = line.partition("  # ")
            for part in (*re.split(r"\s*&&\s*|\s*\|\s*", inside[1] if inside else code), comment.strip()):
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
    first, _, rest = text.partition(" ")
    if first in (*OURS, *OTHERS) and rest and not rest.startswith("=") and rest != "-s …":
        yield Line(where, text, in_prose)


LINES = [line for document in DOCUMENTS for line in lines_of(document)]
OWN = [line for line in LINES if line.words[0] in OURS]


def once(lines: list[Line]) -> list[Line]:
    """Of lines that say the same, the first."""
    return list({line.text: line for line in reversed(lines)}.values())[::-1]


def run_by(file: str) -> list[Line]:
    """The lines that this file runs, each once."""
    return [line for line in once(LINES) if line.runner == Path(file).relative_to(ROOT).as_posix()]
