"""Whether a model fits; checked before minutes are spent on writing or fetching it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import psutil

from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import cannot_write

if TYPE_CHECKING:
    from pathlib import Path

SPARE_MEMORY = 1 << 30  # for the KV cache, the computation, and other programs
SPARE_DISK = 64 << 20


def check_memory(what: str, size: int) -> None:
    """Raise DataError if weights of `size` bytes do not fit into the memory that is free now."""
    free = psutil.virtual_memory().available
    if size + SPARE_MEMORY > free:
        raise DataError(
            f"{what} needs {_gb(size + SPARE_MEMORY)} of memory, and {_gb(free)} are free",
            hint="measure a smaller model or quantization, or one that another machine serves, with --base-url",
        )


def check_disk(what: str, size: int, folder: Path) -> None:
    """Raise DataError if `size` bytes do not fit into `folder`, which is made if it is missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise cannot_write(folder, error) from error
    if size + SPARE_DISK > free:
        raise DataError(
            f"{what} needs {_gb(size + SPARE_DISK)} of disk in {folder}, and {_gb(free)} are free",
            hint="free some space, set XDG_CACHE_HOME or HF_HOME to a larger disk, or measure a smaller model",
        )


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
