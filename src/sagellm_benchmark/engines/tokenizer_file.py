"""Our own tokenizer: a tokenizer.json on this machine or on the Hub, read by the small library `tokenizers`."""

from __future__ import annotations

import functools
import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path

from sagellm_benchmark.errors import DataError, UsageError
from sagellm_benchmark.huggingface.calls import call
from sagellm_benchmark.huggingface.library import library
from sagellm_benchmark.huggingface.outcomes import Answer, NoAnswer, NotAsked

FILE = "tokenizer.json"
INSTALL = "pip install 'isagellm-benchmark[tokenizer]'"
_HUB_S = 60.0


def is_readable() -> bool:
    """Return whether the library that reads tokenizers is installed."""
    return importlib.util.find_spec("tokenizers") is not None


def load(name: str) -> Callable[[str], int]:
    """Return a function that counts a text's tokens, by the tokenizer of a file, a model's folder or a Hub repository.

    Raise UsageError if the library is missing, DataError if there is no such tokenizer.
    """
    if not is_readable():
        raise UsageError("--tokenizer needs the library tokenizers, which is not installed", hint=INSTALL)
    return read(_file(name))


@functools.cache
def read(path: Path) -> Callable[[str], int]:
    """Return a function that counts a text's tokens by one tokenizer.json, without the special tokens of a template.

    Raise DataError if it is not a tokenizer.
    """
    library = importlib.import_module("tokenizers")
    try:
        tokenizer = library.Tokenizer.from_file(str(path))
    except Exception as error:
        raise DataError(f"{path} is not a tokenizer: {error}", hint=f"give a {FILE} of the model") from error

    def count(text: str) -> int:
        return len(tokenizer.encode(text, add_special_tokens=False).ids)

    return count


def beside(folder: str | None) -> Path | None:
    """Return the tokenizer file in the model folder that a server on this machine names; None if it cannot be read."""
    if folder is None or not is_readable():
        return None
    path = Path(folder) / FILE
    try:
        return path if path.is_absolute() and path.is_file() else None
    except (OSError, ValueError):
        return None


def _file(name: str) -> Path:
    path = Path(name)
    if path.is_dir():
        path /= FILE
    if path.is_file():
        return path
    if path.suffix == ".json" or name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise DataError(
            f"there is no tokenizer {name}", hint=f"give a {FILE}, the folder that holds it, or a Hub name"
        )
    try:
        return Path(
            call(
                lambda: library().hf_hub_download(repo_id=name, filename=FILE),
                timeout_s=_HUB_S,
                total_s=_HUB_S,
            )
        )
    except (Answer, NoAnswer, NotAsked) as error:
        raise DataError(
            f"the Hub gave no {FILE} of {name}: {error}",
            hint=f"give the path of a {FILE}, or a name such as organization/model",
        ) from error
