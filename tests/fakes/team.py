"""People who share a git remote: each has a clone and pushes rows to hf_data/."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from sagellm_benchmark.board.entry import SINGLE
from sagellm_benchmark.board.identity import Row
from sagellm_benchmark.files import to_json


def git(folder: Path, *arguments: str) -> str:
    """git as somebody whose machine has no settings of its own."""
    who = ("-c", "user.name=Someone", "-c", "user.email=someone@example.com")
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    env |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(
        ["git", *who, *arguments], cwd=folder, env=env, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


class Team:
    """A bare remote, and clones of it."""

    def __init__(self, root: Path, branch: str = "main", files: dict[str, bytes] | None = None) -> None:
        self.root = root
        self.branch = branch
        self.remote = root / "remote.git"
        git(root, "init", "--quiet", "--bare", f"--initial-branch={branch}", str(self.remote))
        first = self.clone("first")
        (first / "hf_data").mkdir()
        (first / "hf_data" / "README.md").write_text("# rows\n")
        for name, content in (files or {"code.py": b"print()\n"}).items():
            (first / name).write_bytes(content)
        self.push(first, "the project")

    def clone(self, name: str, *options: str) -> Path:
        """A new clone beside the remote."""
        git(self.root, "clone", "--quiet", *options, self.remote.as_uri(), name)
        return self.root / name

    def push(self, clone: Path, message: str) -> None:
        """Commit everything and push it."""
        git(clone, "add", "--all")
        git(clone, "commit", "--quiet", "-m", message)
        git(clone, "push", "--quiet", "origin", f"HEAD:{self.branch}")

    def submit(self, clone: Path, *rows: Row, file: str = SINGLE) -> Path:
        """Push rows, as somebody who aggregated does; gives the folder hf_data/."""
        (clone / "hf_data" / file).write_bytes(to_json(list(rows)))
        self.push(clone, "add results")
        return clone / "hf_data"

    def files(self) -> list[str]:
        """What is on the remote branch."""
        return git(self.remote, "ls-tree", "-r", "--name-only", self.branch).splitlines()

    def log(self) -> list[str]:
        """The subjects on the remote branch, newest first."""
        return git(self.remote, "log", "--format=%s", self.branch).splitlines()
