"""What is installed, reachable, logged in and blocked on this machine, and what to do about each."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata
from pathlib import Path

import psutil

from sagellm_benchmark._version import __version__
from sagellm_benchmark.codehost import FALLBACK, code_host, is_billing
from sagellm_benchmark.engines import default_weights
from sagellm_benchmark.errors import DataError, RemoteError, UsageError
from sagellm_benchmark.git import said as git_answers
from sagellm_benchmark.hub import merging
from sagellm_benchmark.huggingface.endpoint import shown
from sagellm_benchmark.huggingface.library import library
from sagellm_benchmark.machine.makers.registry import MAKERS
from sagellm_benchmark.net.failures import StatusError
from sagellm_benchmark.net.fetch import get_json
from sagellm_benchmark.net.peers import HUB
from sagellm_benchmark.text import one_line, plain
from sagellm_benchmark.typed import in_checkout, typed

NEEDED_DISK_GB = 2.0
NEEDED_MEMORY_GB = 2.0
HUB_TIMEOUT_S = 4.0
MAX_LOG_BYTES = 16 * 1024 * 1024
LOGIN = "hf auth login, or set HF_TOKEN to a token that may write to the dataset"
_STRAY = "look for a stray line break or blank in it; or: {}"


class State(StrEnum):
    """`note`: works, though less than it could. `blocked`: something that the main commands need does not."""

    OK = "ok"
    NOTE = "note"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the screen; `next` says what to do where the state is not ok."""

    about: str
    state: State
    said: str
    next: str | None = None


def examine(log: Path | None = None) -> list[Finding]:
    """Look at everything once; seconds where nothing is reachable. Raises DataError for an unreadable log."""
    billing = from_log(log) if log else None
    looks: tuple[Callable[[], Finding], ...] = (
        python, package, embedded, runner, git, hub, cache, memory, gpus, checks,
    )  # fmt: skip
    return [billing or look() if look is checks else look() for look in looks]


def python() -> Finding:
    where = "in a virtual environment" if sys.prefix != sys.base_prefix else "no virtual environment"
    return Finding(
        "Python", State.OK, f"{platform.python_version()} on {platform.platform(terse=True)}, {where}"
    )


def package() -> Finding:
    return Finding("sagellm-benchmark", State.OK, f"version {__version__}, in {Path(__file__).parent}")


def embedded() -> Finding:
    """Return the engine that runs when no URL is given, and the weights of the model that runs when none is named."""
    parts = {"xllamacpp": _installed("xllamacpp"), "gguf": _installed("gguf")}
    missing = [name for name, version in parts.items() if version is None]
    if missing:
        said = f"not installed ({', '.join(missing)}); only engines that already serve can be measured"
        return Finding(
            "embedded engine",
            State.NOTE,
            said,
            typed("run", "bench") if in_checkout() else "pip install 'isagellm-benchmark[embedded]'",
        )
    weights = (
        "are here" if default_weights.find() else f"are fetched at the first run ({default_weights.SIZE})"
    )
    said = ", ".join(f"{name} {version}" for name, version in parts.items())
    return Finding("embedded engine", State.OK, f"{said}; the default model's weights {weights}")


def runner() -> Finding:
    """Nox, which the make targets bring along themselves."""
    if Path(".make/ready").is_file():
        return Finding("nox", State.OK, "in .make/, from make")
    found = _installed("nox") or ("on PATH" if shutil.which("nox") else None)
    if found:
        return Finding("nox", State.OK, found)
    return Finding(
        "nox", State.NOTE, "not installed", "not needed here; in a checkout, make installs it by itself"
    )


def git() -> Finding:
    """Submitting a row is a commit and a push, so it needs a work tree, a name and a remote.

    Tells git how boards are merged, where the checkout asks for it.
    """
    if shutil.which("git") is None:
        return Finding(
            "git", State.NOTE, "not installed", "install git to submit rows; measuring works without it"
        )
    merging.install(Path("hf_data"))
    branch = _git_says("rev-parse", "--abbrev-ref", "HEAD")
    if branch is None:
        return Finding(
            "git", State.NOTE, "this folder is no checkout", "rows are submitted from a clone of the project"
        )
    changes = len((_git_says("status", "--porcelain") or "").splitlines())
    said = (
        f"branch {branch}, {f'{changes} changed files' if changes else 'clean'}, remote {_remote() or 'none'}"
    )
    if not _remote():
        return Finding("git", State.NOTE, said, "git remote add origin URL")
    if not _git_says("config", "user.email"):
        return Finding(
            "git",
            State.NOTE,
            f"{said}, no identity",
            "git config user.name NAME; git config user.email ADDRESS",
        )
    return Finding("git", State.OK, said)


def hub() -> Finding:
    """Report whether the Hub answers, and who it says we are.

    Neither the token nor a password in its address is shown.
    """
    settings = library().constants
    endpoint, token = shown(settings.ENDPOINT), library().get_token()
    if settings.HF_HUB_OFFLINE:
        return Finding(
            "Hub", State.NOTE, "switched off by HF_HUB_OFFLINE", "unset HF_HUB_OFFLINE to fetch and publish"
        )
    try:
        who = get_json(f"{endpoint}/api/whoami-v2", timeout_s=HUB_TIMEOUT_S, api_key=token, peer=HUB)
    except StatusError as error:
        return _refused(endpoint, error.status, logged_in=token is not None)
    except UsageError:
        return Finding(
            "Hub", State.BLOCKED, "the token holds a character that cannot be sent", _STRAY.format(LOGIN)
        )
    except RemoteError as error:
        return Finding(
            "Hub",
            State.BLOCKED,
            error.message,
            f"check the network or HF_ENDPOINT; meanwhile: {_offline()}, and publish --to DIR",
        )
    name = who.get("name") if isinstance(who, dict) else None
    return Finding("Hub", State.OK, f"{endpoint} reachable, logged in as {plain(str(name or 'somebody'))}")


def _offline() -> str:
    """Report how rows are merged without the Hub."""
    return typed("aggregate --offline", "aggregate OFFLINE=1")


def _refused(endpoint: str, status: int, *, logged_in: bool) -> Finding:
    if status in {401, 403} and not logged_in:
        return Finding("Hub", State.NOTE, f"{endpoint} reachable, not logged in", f"to publish: {LOGIN}")
    if status in {401, 403}:
        return Finding("Hub", State.BLOCKED, f"{endpoint} refuses the token ({status})", LOGIN)
    return Finding(
        "Hub",
        State.NOTE,
        f"{endpoint} answers {status}",
        f"try again later; meanwhile: {_offline()}",
    )


def cache() -> Finding:
    """Report where downloaded models are kept, and the free space there and here."""
    places = {"cache": Path(library().constants.HF_HUB_CACHE), "here": Path.cwd()}
    free = {name: _free_gb(place) for name, place in places.items()}
    said = f"{places['cache']}: {free['cache']:.1f} GB free; here: {free['here']:.1f} GB"
    if min(free.values()) < NEEDED_DISK_GB:
        return Finding("disk", State.BLOCKED, said, "free some space, or set HF_HOME to a folder with more")
    return Finding("disk", State.OK, said)


def memory() -> Finding:
    room = psutil.virtual_memory()
    said = f"{room.available / 1e9:.1f} of {room.total / 1e9:.1f} GB available, {os.cpu_count()} processors"
    if room.available / 1e9 < NEEDED_MEMORY_GB:
        return Finding("memory", State.NOTE, said, "close something, or measure a smaller model")
    return Finding("memory", State.OK, said)


def gpus() -> Finding:
    """Return what the makers' drivers name; none is no fault, the embedded engine runs on the processor."""
    found: list[str] = []
    for maker in MAKERS:
        with maker.opened() as driver:
            chips = [] if driver is None else driver.chips()
            found += [f"{chip.name} ({_gib(chip.memory_bytes)})" for chip in chips]
    counted = [f"{count} × {plain(name)}" for name, count in Counter(found).items()]
    return Finding(
        "GPUs", State.OK, "; ".join(counted) or "none found; the embedded engine runs on the processor"
    )


def _gib(size: float | None) -> str:
    return "memory unknown" if size is None else f"{size / 2**30:.0f} GiB"


def checks() -> Finding:
    """Report whether the code host still runs our workflows; asked only where a token for it is at hand."""
    try:
        host = code_host(os.environ, _git_says("remote", "get-url", "origin") or "")
        if host is None:
            said = "not asked: no GITHUB_TOKEN"
            return Finding("Actions", State.OK, f"{said}; a failed run's text can be given with --log FILE")
        notes = host.last_failure()
    except UsageError:
        said = "its token holds a character that cannot be sent"
        return Finding("Actions", State.NOTE, said, _STRAY.format("unset GITHUB_TOKEN"))
    except RemoteError as error:
        return Finding("Actions", State.NOTE, error.message, f"without Actions: {FALLBACK}")
    if is_billing(notes):
        return _billing()
    if notes:
        return Finding(
            "Actions",
            State.NOTE,
            f"the last run failed: {one_line(notes[0], 160)}",
            "to see it here: make ci",
        )
    return Finding("Actions", State.OK, "the last run shows no failure")


def from_log(log: Path) -> Finding:
    """Return what a failed run's text, saved from the code host's page, says about why it failed."""
    try:
        with log.open("rb") as file:
            text = file.read(MAX_LOG_BYTES).decode("utf-8", "replace")
    except OSError as error:
        raise DataError(
            f"cannot read {log}: {error.strerror}", hint="name the file that holds the run's text"
        ) from error
    if is_billing([text]):
        return _billing()
    return Finding(
        "Actions",
        State.NOTE,
        f"{log} does not hold the billing message",
        "to run the same checks here: make ci",
    )


def _billing() -> Finding:
    return Finding(
        "Actions",
        State.BLOCKED,
        "starts no jobs: account payments failed or the spending limit is reached",
        f"run everything here instead: {FALLBACK} (the checks), make publish (the upload)",
    )


def _installed(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _remote() -> str | None:
    """Return the address of origin, without a user name or password that it may hold."""
    address = _git_says("remote", "get-url", "origin")
    return plain(shown(address)) if address else None


def _git_says(*arguments: str) -> str | None:
    """Return what git answers about this folder; None if it says no."""
    return git_answers(Path(), *arguments)


def _free_gb(place: Path) -> float:
    """Room on the disk that holds `place`, which need not exist yet."""
    there = next(folder for folder in (place, *place.parents) if folder.exists())
    return shutil.disk_usage(there).free / 1e9
