"""The Python environment in which an engine is installed: one that exists, or one that we make from a pinned list."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sagellm_benchmark.children import child
from sagellm_benchmark.engines import cache, logs, packages
from sagellm_benchmark.engines.base import Engine, Packages
from sagellm_benchmark.errors import DataError, UsageError
from sagellm_benchmark.files import cannot_write, write_whole
from sagellm_benchmark.machine.variant import Variant, variant

DONE = "installed"  # the file which says that an environment is complete, and what was installed
UV_SETTINGS = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_FIND_LINKS": "UV_FIND_LINKS",
}
"""pip's settings for where packages come from, which uv does not read, and uv's names for them."""


@dataclass(frozen=True, slots=True)
class Environment:
    """A Python with its packages, in the folder `prefix`, such as /opt/engine."""

    prefix: Path

    @property
    def bin(self) -> Path:
        """The folder with the environment's commands."""
        return self.prefix / ("Scripts" if sys.platform == "win32" else "bin")

    @property
    def environ(self) -> Mapping[str, str]:
        """The variables that activating the environment would set; engines look for their own helpers on PATH."""
        search = os.pathsep.join((str(self.bin), os.environ.get("PATH", os.defpath)))
        return {"PATH": search, "VIRTUAL_ENV": str(self.prefix)}

    def has(self, engine: Engine) -> bool:
        """Return whether the engine is installed in the environment."""
        return (
            engine.distribution is not None and packages.version(self.prefix, engine.distribution) is not None
        )


def stated(place: Path, engine: Engine) -> Environment:
    """Return the environment that the user names, by folder or Python. Raise DataError if it lacks the engine."""
    path = place.expanduser().absolute()
    environment = Environment(path if path.is_dir() else path.parent.parent)
    if not environment.has(engine):
        python = environment.bin / "python" if path.is_dir() else path
        raise DataError(
            f"{place} holds no {engine.name} (no package {engine.distribution})",
            hint=f"{python} -m pip install {engine.distribution}",
        )
    return environment


def find(engine: Engine) -> Environment | None:
    """Return an environment with the engine: one that we made, our own, or that of the command on PATH; or None."""
    return next((one for one in _candidates(engine) if one.has(engine)), None)


def _candidates(engine: Engine) -> Iterator[Environment]:
    made = sorted(
        cache.folder("engines").glob(f"{engine.name}-*/{DONE}"), key=lambda done: done.stat().st_mtime
    )
    yield from (Environment(done.parent) for done in reversed(made))
    yield Environment(Path(sys.prefix))
    command = shutil.which(Path(engine.launch.command[0]).name) if engine.launch else None
    if command is not None and (python := _interpreter(Path(command))) is not None:
        yield Environment(python.parent.parent)


def _interpreter(script: Path) -> Path | None:
    """Return the Python that a command's first line names; the command may be a link outside its environment."""
    with script.open("rb") as file:
        first = file.readline(4096)
    match = re.fullmatch(rb"#!\s*(/\S*python[\d.]*)\s*", first)
    return Path(os.fsdecode(match[1])) if match else None


def missing(engine: Engine) -> DataError:
    """Return the error for an engine that is not installed, with the ways to install it."""
    return DataError(
        f"{engine.name} is not installed on this machine, so it cannot be started",
        hint=f"add --engine-env create, which installs it into {home(engine)}; or pip install {engine.distribution}"
        " into an environment and name that with --engine-python; or give a running server with --base-url",
    )


def home(engine: Engine) -> Path:
    """Return the folder of the engine's environment, which need not exist. Raise what `pinned` raises."""
    return cache.folder("engines") / f"{engine.name}-{pinned(engine)}"


def pinned(engine: Engine) -> str:
    """Return the version that would be installed here. Raise UsageError if there is no list for this machine."""
    return _pinned(engine, variant()).version


def create(engine: Engine, say: Callable[[str], None]) -> Environment:
    """Make the engine's environment unless it exists, and return it.

    Raise UsageError if there is no list for this machine or uv is missing, DataError if the installation fails.
    """
    wanted, environment = _pinned(engine, variant()), Environment(home(engine))
    if environment.has(engine) and (environment.prefix / DONE).is_file():
        return environment
    uv = uv_command()
    if uv is None and wanted.needs_uv:
        raise UsageError(
            f"{engine.name} can only be installed with uv on this machine", hint="pip install uv"
        )
    try:
        shutil.rmtree(environment.prefix, ignore_errors=True)  # left by an interrupted installation
        environment.prefix.mkdir(parents=True)
        log = environment.prefix.with_name(f"{environment.prefix.name}.log")
        for command in _commands(environment, wanted, uv):
            _run(command, log, lambda line: say(f"installing {engine.name} {wanted.version}: {line}"))
        _stand_in(environment, wanted)
    except OSError as error:
        raise cannot_write(environment.prefix, error) from error
    write_whole(environment.prefix / DONE, f"{' '.join(wanted.install)}\n".encode())
    return environment


def _pinned(engine: Engine, of: Variant) -> Packages:
    found = engine.launch.packages.get(of) if engine.launch else None
    if found is None:
        raise UsageError(
            f"there is no list of packages of {engine.name} for a machine with {of}",
            hint=f"install {engine.name} as its makers say, and name that environment with --engine-python",
        )
    return found


def uv_command() -> str | None:
    """Return the path of uv, on PATH or beside our own Python; None if it is not installed."""
    return shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))


def install_settings() -> dict[str, str]:
    """Return our environment variables, with settings that make uv use the same indexes as the user's pip."""
    settings = {theirs: os.environ[ours] for ours, theirs in UV_SETTINGS.items() if ours in os.environ}
    return {**settings, **os.environ}


def _commands(environment: Environment, wanted: Packages, uv: str | None) -> Iterator[Sequence[str]]:
    python = str(environment.bin / "python")
    if uv is None:
        yield sys.executable, "-m", "venv", str(environment.prefix)
        yield python, "-m", "pip", "install", "--disable-pip-version-check", *wanted.install
        return
    interpreter = wanted.python or sys.executable
    yield uv, "venv", "--quiet", "--allow-existing", "--python", interpreter, str(environment.prefix)
    overrides = environment.prefix / "overrides.txt"
    overrides.write_text("".join(f"{line}\n" for line in wanted.overrides))
    index = () if wanted.index is None else ("--index", wanted.index)
    yield uv, "pip", "install", "--python", python, "--override", str(overrides), *index, *wanted.install


def _run(command: Sequence[str], log: Path, say: Callable[[str], None]) -> None:
    """Run one step, which Ctrl-C ends. Its output goes to the log, and its last line to the user.

    Raise DataError if it fails.
    """
    settings = install_settings()
    with (
        logs.opened(log) as file,
        child(command, stdin=False, output=file, errors=file, env=settings) as step,
    ):
        while not step.ended(1.0):
            say(" ".join(logs.last_lines(log, 1)))
        code = step.process.returncode
    if code != 0:
        raise DataError(
            f"{Path(command[0]).name} could not make the environment: {'; '.join(logs.last_lines(log))}",
            hint=f"see {log}; check the network and the disk, or install the engine by hand and name it with"
            " --engine-python",
        )


def _stand_in(environment: Environment, wanted: Packages) -> None:
    """Make the environment seem to have a distribution which the engine asks for, but which has another name."""
    if wanted.stands_for is None:
        return
    name, _, number = wanted.stands_for.partition("==")
    metadata = Path(packages.folders(environment.prefix)[0]) / f"{name}-{number}.dist-info" / "METADATA"
    write_whole(metadata, f"Metadata-Version: 2.1\nName: {name}\nVersion: {number}\n".encode())
