"""What this toolkit is and who runs it, as git and the environment say."""

from __future__ import annotations

import getpass
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent


def git_commit() -> str | None:
    """The commit of the checkout this toolkit runs from, `-dirty` when it was changed; None for an installed one."""
    tracked = _git("ls-files", "--error-unmatch", Path(__file__).name)
    commit = _git("rev-parse", "HEAD") if tracked is not None else None
    if commit is None:
        return None
    return f"{commit}-dirty" if _git("status", "--porcelain", "--untracked-files=no") else commit


def submitter() -> str:
    """The name git would sign with, else the login name."""
    name = _git("config", "user.name")
    if name:
        return name
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such user, as in some containers
        return "anonymous"


def _git(*arguments: str) -> str | None:
    """What git answers; None where there is no git, or it says no."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=HERE, capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
