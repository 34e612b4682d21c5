"""What documented commands need: a checkout with a remote, runs, rows, keys, two engines, a server and a Hub."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson

from sagellm_benchmark.board.entry import SINGLE
from sagellm_benchmark.commands.shared import DATASET
from sagellm_benchmark.evidence import signing
from sagellm_benchmark.evidence.files import bundle
from sagellm_benchmark.files import to_json
from sagellm_benchmark.hub.directory import Directory
from sagellm_benchmark.hub.store import SIGNERS
from sagellm_benchmark.outputs import row_file
from sagellm_benchmark.report.folder import save
from tests import command
from tests.evidence.support import PUBLISHABLE, measured
from tests.fakes.engine_install import install
from tests.fakes.foreign import guidellm, write_aiperf, write_guidellm
from tests.fakes.hub_server import WRITER, HubServer
from tests.fakes.openai_server import FakeServer, Script, serving
from tests.fakes.records import a_record
from tests.fakes.rows import new_row
from tests.fakes.team import Team, git
from tests.house import ROOT, load_noxfile

ADDRESS, CLONE = "https://github.com/intellistream/sagellm-benchmark", "sagellm-benchmark"
PACE = Script(ttft_s=0.002, itl_s=0.0005)
CHECKED_OUT = ("Makefile", "noxfile.py", "pyproject.toml", ".gitattributes", ".gitignore")
PLAN = """\
name = "nightly"
[options]
requests = 2
warmup = 0
no-calibrate = true
[[engines]]
base-url = "{}"
"""


@dataclass(frozen=True, slots=True)
class Published:
    """A measured run, what is in the dataset since it was published, and the key of a maintainer."""

    run: Path
    hf_data: Path
    key: Path
    files: dict[str, bytes]

    @property
    def row(self) -> dict[str, object]:
        """The run's row."""
        path = row_file(self.run)
        assert path
        row: dict[str, object] = orjson.loads(path.read_bytes())
        return row


def published(home: Path) -> Published:
    """Measure a run, publish it, and enrol a maintainer."""
    run, key = measured(home, *PUBLISHABLE, "--requests", "2"), home / "key"
    for words in (("aggregate", "--offline"), ("publish", "--to", "board")):
        assert command.run(*words, cwd=home).returncode == 0
    store = Directory(home / "board")
    ((number, public),) = orjson.loads(signing.new_key(key)).items()
    enrolled = {
        "schema_version": 1,
        "keys": {number: {**public, "identity": "mia"}},
        "maintainers": ["mia"],
    }
    store.commit({SIGNERS: to_json(enrolled)}, store.read(()).commit, "enrol mia")
    commit = store.read(()).commit or ""
    paths = [path.relative_to(home / "board") for path in (home / "board").rglob("*") if path.is_file()]
    names = [path.as_posix() for path in paths if not path.parts[0].startswith(".")]
    return Published(run, home / "hf_data", key, dict(store.read(names, commit=commit).files))


@dataclass(frozen=True, slots=True)
class World:
    """A checkout, and what is around it."""

    root: Path
    server: FakeServer
    hub: HubServer

    @property
    def checkout(self) -> Path:
        """Where a user works: a clone of the remote."""
        return self.root / CLONE

    @property
    def remote(self) -> Path:
        """What our code host has."""
        return self.root / "remote.git"

    @property
    def environment(self) -> dict[str, str]:
        """As a user has it here: logged in, engines installed, a server named, and a git that finds the remote."""
        commands = (self.root / "old" / "bin", self.root / "vllm" / "bin")
        return {
            "HOME": str(self.root),
            "PATH": os.pathsep.join((*map(str, commands), os.environ["PATH"])),
            "HF_ENDPOINT": self.hub.url,
            "HF_TOKEN": WRITER,
            "SAGELLM_BASE_URL": self.server.base_url,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_COUNT": "3",
            "GIT_CONFIG_KEY_0": f"url.{self.remote.as_uri()}.insteadOf",
            "GIT_CONFIG_VALUE_0": ADDRESS,
            "GIT_CONFIG_KEY_1": "user.name",
            "GIT_CONFIG_VALUE_1": "Someone",
            "GIT_CONFIG_KEY_2": "user.email",
            "GIT_CONFIG_VALUE_2": "someone@example.com",
        }

    def shell(self, line: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Type a line into a shell in the checkout."""
        return subprocess.run(
            ("bash", "-c", line),
            cwd=self.checkout,
            env=command.environment(self.root, **{**self.environment, **env}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def run(self, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run the program in the checkout."""
        environment = self.environment
        if "--base-url" in words or "--engine" in words or "--model" in words:
            del environment["SAGELLM_BASE_URL"]
        return command.run(*words, cwd=self.checkout, env=environment)


def cloned(root: Path) -> Path:
    """A remote, and a clone of it by the address that it has at our code host."""
    team = Team(root, files={name: (ROOT / name).read_bytes() for name in CHECKED_OUT})
    git(team.clone(CLONE), "remote", "set-url", "origin", ADDRESS)
    return root


@contextmanager
def world(root: Path, clone: Path) -> Iterator[World]:
    """A copy of a clone and its remote, beside a server and a Hub."""
    for name in (CLONE, "remote.git"):
        shutil.copytree(clone / name, root / name, symlinks=True)
    with serving(PACE) as server, HubServer(repo=DATASET) as hub:
        yield World(root, server, hub)


def add_runs(where: World, words: Sequence[str]) -> None:
    """Put a run into each folder that the words name, no two alike; one that has requests to write down."""
    folders = [word for word in words if "/" in word and not word.startswith(("-", "http", "~"))]
    for at, folder in enumerate([*folders, "outputs/vllm/Qwen2-7B/Q1_20260301_001"]):
        if not folder.endswith((".json", ".jsonl", ".pem", ".gguf")):
            save(where.checkout / folder, a_record(peak_memory_mib=300.0 + at))
            (where.checkout / folder / "requests.jsonl").touch()


def add_files(where: World) -> None:
    """Put there what the documents call so: rows, a plan, results of other clients."""
    checkout = where.checkout
    (checkout / "hf_data" / SINGLE).write_bytes(to_json([new_row()]))
    (checkout / "FILE").write_bytes(b"[]")
    (checkout / "plan.toml").write_text(PLAN.format(where.server.base_url))
    for name, ttft_s in (("before", 0.1), ("after", 0.12)):
        write_aiperf(checkout / name, ttft_s)
        write_guidellm(checkout / name / "benchmarks.json", guidellm(ttft_s))


def add_engines(where: World) -> None:
    """Install sagellm twice, in old/ and new/, and vllm once."""
    for name in ("old", "new"):
        install(where.root / name, "sagellm")
        (where.checkout / name).symlink_to(where.root / name)
    install(where.root / "vllm", "vllm")


def add_published(where: World, what: Published) -> None:
    """Put a published run's folder, row and bundle there, the key, and the dataset onto the Hub."""
    checkout, row = where.checkout, row_file(what.run)
    assert row
    for name in ("RUN", "outputs/vllm/Qwen2-7B/Q1_20260309_001"):
        shutil.copytree(what.run, checkout / name)
    shutil.copy(row, checkout / "row.json")
    (checkout / "bundle.tar.xz").write_bytes(bundle(what.run))
    shutil.copytree(what.hf_data, checkout / "hf_data", dirs_exist_ok=True)
    (where.root / ".config").mkdir()
    shutil.copy(what.key, where.root / ".config" / "sagellm-benchmark.pem")
    where.hub.repos[DATASET].add(dict(what.files), "what was published")
    assert where.shell("git add hf_data && git commit -qm 'add results' && git push -q").returncode == 0


def add_nox(where: World) -> None:
    """Install nox and the program there as a first `make` does: this Python's stand in for what an index would give."""
    checkout = where.checkout
    nox, app = checkout / ".make", checkout / ".nox" / "app"
    shutil.copytree(ROOT / "scripts", checkout / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    _program(nox / "bin" / "python", f'exec "{sys.executable}" "$@"')
    (nox / "ready").touch()
    for name in ("python", "sagellm-benchmark"):
        module = "" if name == "python" else " -m sagellm_benchmark"
        _program(app / "bin" / name, f'exec "{sys.executable}"{module} "$@"')
    (app / "made-for").write_text(f"{sys.version}\n{app}\n")
    noxfile = load_noxfile()
    noxfile.CORE.stamp(app).touch()


def _program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
