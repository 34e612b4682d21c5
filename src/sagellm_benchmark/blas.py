"""The threads of numpy's BLAS: one for each processor, which spin for a tenth of a second as soon as they start.

The arrays here are small, so our own processes start none. They say so by the variable that OpenBLAS asks last: it
leaves a number that the user has set as it is, and nobody else sets it, so it can be kept from an engine that we start.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

_VARIABLE = "OPENBLAS_DEFAULT_NUM_THREADS"


def start_no_threads() -> None:
    """Say so for this process, before it imports numpy, and for those that it starts."""
    os.environ[_VARIABLE] = "1"


def without_threads(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables for a process of ours that imports numpy."""
    return {**environ, _VARIABLE: "1"}


def for_others(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables for a program that is not ours, which has as many threads as it likes."""
    return {name: value for name, value in environ.items() if name != _VARIABLE}
