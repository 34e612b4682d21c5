"""Locks on files, which the system takes back when their holder closes them or dies."""

from __future__ import annotations

import sys
from typing import IO

if sys.platform != "win32":
    import fcntl


def hold(file: IO[bytes] | int) -> None:
    """Hold a file, open or by its descriptor, until it is closed. Raises BlockingIOError if somebody else holds it."""
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
