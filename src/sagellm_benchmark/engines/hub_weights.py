"""Real weights by name: GGUF files in the Hugging Face Hub's repositories, or in its cache on this machine."""

from __future__ import annotations

import errno
import os
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from sagellm_benchmark.causes import cause
from sagellm_benchmark.engines import architectures, capacity
from sagellm_benchmark.engines.gguf_facts import Gguf, facts, is_later_shard, shards
from sagellm_benchmark.errors import DataError, RemoteError, UsageError
from sagellm_benchmark.files import cannot_write
from sagellm_benchmark.huggingface.calls import call
from sagellm_benchmark.huggingface.endpoint import shown
from sagellm_benchmark.huggingface.library import library
from sagellm_benchmark.huggingface.outcomes import Answer, NoAnswer, NotAsked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SILENCE_S = 5.0  # the longest silence of the Hub when it is asked what it has
TOTAL_S = 10.0  # the longest that such a question may take
# What is fetched if the user does not say: common quantizations that are not slow.
PREFERRED = ("Q4_K_M", "Q4_0", "Q4_K_S", "Q4_1", "Q5_K_M", "Q8_0", "F16", "BF16")
_REPO = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_FILE = re.compile(r"(?:[\w+-][\w+.-]*/){0,4}[\w+-][\w+.-]*\.gguf", re.ASCII)
_LOCAL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EROFS}  # errors of this machine
_NOT_A_MODEL = re.compile(r"mmproj|imatrix", re.IGNORECASE)

# The repositories in which the makers of a known model, or else a well-known converter, keep its GGUF files.
_REPOS = {
    "Llama-2-7B": "TheBloke/Llama-2-7B-Chat-GGUF",
    "Llama-2-13B": "TheBloke/Llama-2-13B-chat-GGUF",
    "Llama-3-8B": "bartowski/Meta-Llama-3-8B-Instruct-GGUF",
    "Llama-3-70B": "bartowski/Meta-Llama-3-70B-Instruct-GGUF",
    "Llama-3.1-8B": "bartowski/Meta-Llama-3.1-8B-Instruct-GGUF",
    "Llama-3.1-70B": "bartowski/Meta-Llama-3.1-70B-Instruct-GGUF",
    "Llama-3.2-1B": "bartowski/Llama-3.2-1B-Instruct-GGUF",
    "Llama-3.2-3B": "bartowski/Llama-3.2-3B-Instruct-GGUF",
    "Llama-3.3-70B": "bartowski/Llama-3.3-70B-Instruct-GGUF",
    "Mistral-7B": "TheBloke/Mistral-7B-Instruct-v0.2-GGUF",
    "Mistral-7B-v0.3": "bartowski/Mistral-7B-Instruct-v0.3-GGUF",
    "TinyLlama-1.1B": "TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """The files of a model in one repository at one commit: one file, or all parts of a split one in order."""

    repo: str
    commit: str
    files: tuple[str, ...]
    size_bytes: int

    @property
    def source(self) -> str:
        """One line by which the same bytes can be found again."""
        return f"{self.repo} at {self.commit[:12]}, {self.files[0]}"


def candidates(name: str) -> list[str]:
    """Return the repositories that may hold the model as GGUF, the likeliest first."""
    repos = [name, f"{name.removesuffix('-GGUF')}-GGUF"] if "/" in name else []
    architecture = architectures.find(name)
    if architecture is not None:
        repos.append(_known_repo(architecture.name))
    return [repo for repo in dict.fromkeys(repos) if _REPO.fullmatch(repo)]


def _known_repo(name: str) -> str:
    if name.startswith("SmolLM2"):
        return f"HuggingFaceTB/{name}-Instruct-GGUF"
    if name.startswith("Qwen3"):
        return f"Qwen/{name}-GGUF"
    return _REPOS.get(name, f"Qwen/{name}-Instruct-GGUF")


def cached(name: str, quantization: str | None) -> Gguf | None:
    """Return the model if an earlier run or another program fetched all of it, without the network; else None."""
    for repo in candidates(name):
        snapshots = _cache_folder() / f"models--{repo.replace('/', '--')}" / "snapshots"
        for snapshot in sorted(snapshots.glob("*"), key=lambda folder: folder.stat().st_mtime, reverse=True):
            files = {file.relative_to(snapshot).as_posix(): file for file in snapshot.rglob("*.gguf")}
            try:
                file = choose(files, quantization)
                if file is not None:
                    return _gguf(files[file], Choice(repo, snapshot.name, (file,), 0))
            except (DataError, UsageError):  # cut off, without its other parts, or another quantization
                continue
    return None


def look_up(name: str, quantization: str | None, *, offline: bool = False) -> Choice:
    """Return the files that the Hub has of a model, within seconds.

    Raise RemoteError if the Hub cannot be asked, DataError if it has no GGUF file of that model, UsageError if it has
    none in the wanted quantization.
    """
    if offline:
        raise RemoteError("the Hub was not asked, because this run is offline", hint=OTHER_WAYS)
    reason = "no GGUF repository is known by that name"
    for repo in candidates(name):
        try:
            return _choice(repo, quantization)
        except _Absent as absent:
            reason = f"{repo}: {absent}"
    raise DataError(f"the Hub has no GGUF file of {name} ({reason})", hint=OTHER_WAYS)


OTHER_WAYS = "give a GGUF file or folder with --model, or the address of a server with --base-url"


class _Absent(Exception):  # noqa: N818 - an answer, of which there are several
    """This repository does not have the model; the next one may."""


def _choice(repo: str, quantization: str | None) -> Choice:
    info = _ask(lambda api: api.model_info(repo, files_metadata=True))
    if not isinstance(info.sha, str):
        raise RemoteError(f"the Hub did not name a commit of {repo}", hint="see HF_ENDPOINT")
    sizes = {str(item.rfilename): _size(item.size) for item in info.siblings or ()}
    file = choose(sizes, quantization)
    if file is None:
        raise _Absent("it holds no GGUF files")
    files = tuple(str(PurePosixPath(part)) for part in shards(PurePosixPath(file)))
    return Choice(repo, info.sha, files, sum(sizes.get(part, 0) for part in files))


def _size(value: Any) -> int:
    """Return the bytes of a file; 0 if the Hub does not state a possible size."""
    return value if isinstance(value, int) and value > 0 else 0


def choose(files: Iterable[str], quantization: str | None) -> str | None:
    """Return the model file in the wanted quantization, or else in a preferred one; None if there are no models.

    Raise UsageError, with the files that there are, if the wanted quantization is missing.
    """
    models = sorted(
        file
        for file in files
        if _FILE.fullmatch(file) and not is_later_shard(file) and not _NOT_A_MODEL.search(file)
    )
    for wanted in (quantization,) if quantization else PREFERRED:
        pattern = re.compile(rf"(?:^|[-._/]){re.escape(wanted)}(?=[-./])", re.IGNORECASE)
        for file in models:
            if pattern.search(file):
                return file
    if models and quantization:
        listed = ", ".join(models[:12])
        raise UsageError(f"there is no {quantization} among the GGUF files", hint=f"there are: {listed}")
    return models[0] if models else None


def similar(name: str) -> list[str]:
    """Return GGUF repositories with names like this one. Raise RemoteError if the Hub cannot be asked."""
    words = name.rsplit("/", 1)[-1].removesuffix("-GGUF")
    wanted = {"search": words, "filter": "gguf", "limit": "5"}
    try:
        # Not by list_models, which would keep trying for half a minute.
        found = _ask(
            lambda api: library().get_session().get(f"{api.endpoint}/api/models", params=wanted).json()
        )
    except _Absent:
        return []
    ids = (
        [str(model.get("id")) for model in found if isinstance(model, dict)]
        if isinstance(found, list)
        else []
    )
    return [repo for repo in ids if _REPO.fullmatch(repo)]


def _ask(question: Callable[[Any], Any]) -> Any:
    """Ask the Hub a question. Raise _Absent if it does not have or does not show the repository, else RemoteError."""
    api = library().HfApi(endpoint=_endpoint())
    try:
        return call(lambda: question(api), timeout_s=SILENCE_S, total_s=TOTAL_S)
    except Answer as answer:
        if answer.status in (401, 403, 404) and (answer.code or answer.status != 404):
            gated = "it wants a login: set HF_TOKEN" if answer.code == "GatedRepo" else "no such repository"
            raise _Absent(gated) from answer
        raise RemoteError(f"the Hub answered {answer}", hint="try again later") from answer
    except NoAnswer as error:
        where = shown(_endpoint() or "huggingface.co")
        raise RemoteError(f"the Hub ({where}) cannot be reached: {error}", hint="see HF_ENDPOINT") from error
    except NotAsked as error:
        raise RemoteError(f"the Hub was not asked: {error}", hint=OTHER_WAYS) from error


def download(choice: Choice, say: Callable[[str], None]) -> Gguf:
    """Fetch a choice into the Hub's cache, with a progress bar on a terminal; fetch a damaged copy once more.

    Raise DataError if there is no room or if a file stays damaged, RemoteError if the Hub stops answering.
    """
    capacity.check_disk(choice.repo, choice.size_bytes, _cache_folder())
    say(f"fetching {choice.source} ({choice.size_bytes / 1e9:.1f} GB) from the Hub")
    path = _fetch(choice, force=False)
    try:
        return _gguf(path, choice)
    except DataError:
        say(f"{path.name} is damaged in the cache; fetching it again")
        return _gguf(_fetch(choice, force=True), choice)


def _fetch(choice: Choice, *, force: bool) -> Path:
    hub = library()
    if sys.stderr.isatty() and not os.environ.get("HF_HUB_DISABLE_PROGRESS_BARS"):
        hub.utils.enable_progress_bars()
    try:
        paths = [
            hub.hf_hub_download(
                choice.repo,
                file,
                revision=choice.commit,
                endpoint=_endpoint(),
                cache_dir=_cache_folder(),
                force_download=force,
            )
            for file in choice.files
        ]
    except (hub.errors.HTTPError, OSError, ValueError, RuntimeError) as error:
        if isinstance(error, OSError) and error.errno in _LOCAL:
            raise cannot_write(_cache_folder(), error) from error
        known = cause(error)
        raise RemoteError(
            f"{choice.source} could not be fetched: {known.said if known else type(error).__name__}",
            hint="run the same command again: what has arrived is kept",
        ) from error
    finally:
        hub.utils.disable_progress_bars()
    return Path(paths[0])


def _gguf(path: Path, choice: Choice) -> Gguf:
    name = choice.repo.split("/")[1].removesuffix("-GGUF").removesuffix("-gguf")
    return Gguf(path, replace(facts(path), name=name), choice.source)


def _endpoint() -> str | None:
    """Return the Hub's address in the environment, which the library reads only when it is imported; None if unset."""
    return os.environ.get("HF_ENDPOINT") or None


def _cache_folder() -> Path:
    """Return the folder of the Hub library's cache, which other programs use, too."""
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    return Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub").expanduser()
