"""git as a program that we run: it never asks anybody anything, and never waits for ever."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from sagellm_benchmark.errors import DataError, RemoteError, UsageError

TIMEOUT_S = 120.0  # of what may talk to a remote
_LOOK_S = 10.0


class TooLarge(DataError):  # noqa: N818 - a turn of events
    """git was about to write a larger file than it may."""


_LIMITED = (
    "import os, resource, sys; most = int(sys.argv[1]); "
    "resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)); os.execvp('git', sys.argv[2:])"
)


def output(
    folder: Path,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    given: bytes = b"",
    timeout_s: float = TIMEOUT_S,
    most_bytes: int | None = None,
) -> bytes:
    """Return what git prints in `folder`, with `given` as its input.

    Raises DataError when it fails, TooLarge for a file of more than `most_bytes`, RemoteError when it hangs, UsageError
    without git.

    Its own words are left out of the message: an address in them may hold a password.
    """
    quiet = {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_SSH_COMMAND": os.environ.get("GIT_SSH_COMMAND", "ssh -oBatchMode=yes"),
    }
    command = ["git", *arguments]
    if most_bytes is not None:
        command = [sys.executable, "-I", "-S", "-c", _LIMITED, str(most_bytes), *command]
        quiet["LC_ALL"] = "C"
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **quiet, **(env or {})},
            input=given,
            capture_output=True,
            timeout=timeout_s,
            check=True,
        )
    except OSError as error:
        raise UsageError("git is not installed, or the folder is gone", hint="install git") from error
    except subprocess.TimeoutExpired as error:
        raise RemoteError(f"git {arguments[0]} took longer than {timeout_s:g} s", hint="try again") from error
    except subprocess.CalledProcessError as error:
        if most_bytes is not None and b"too large" in error.stderr.lower():
            raise TooLarge(f"git {arguments[0]} brings more than {most_bytes >> 20} MiB") from error
        raise DataError(f"git {arguments[0]} failed with {error.returncode}") from error
    return done.stdout


def said(folder: Path, *arguments: str) -> str | None:
    """Return what git answers about `folder`, in one text; None if there is no git, or it says no."""
    try:
        return output(folder, *arguments, timeout_s=_LOOK_S).decode(errors="replace").strip()
    except (DataError, RemoteError, UsageError):
        return None
