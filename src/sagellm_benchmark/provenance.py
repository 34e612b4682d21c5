"""What this toolkit is and who runs it, as git and the environment say."""

from __future__ import annotations

import getpass
from pathlib import Path

from sagellm_benchmark import git

HERE = Path(__file__).resolve().parent


def git_commit() -> str | None:
    """Return the commit of the checkout this toolkit runs from, `-dirty` when it was changed; None for an installed
    one.
    """
    tracked = git.said(HERE, "ls-files", "--error-unmatch", Path(__file__).name)
    commit = git.said(HERE, "rev-parse", "HEAD") if tracked is not None else None
    if commit is None:
        return None
    return f"{commit}-dirty" if git.said(HERE, "status", "--porcelain", "--untracked-files=no") else commit


def submitter() -> str:
    """Return the name git would sign with, else the login name."""
    name = git.said(HERE, "config", "user.name")
    if name:
        return name
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such user, as in some containers
        return "anonymous"
