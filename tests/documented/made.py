"""What make asks nox for, and nox the program: the real Makefile and the real noxfile, but nothing installed or run."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from tests.house import ROOT, clean_environment, load_noxfile

PROGRAM = "sagellm-benchmark"


def made(folder: Path, words: list[str]) -> list[str]:
    """What nox is asked for by a command of make or nox."""
    if words[0] == "nox":
        return words[1:]
    (folder / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    script = folder / "scripts" / "nox.sh"
    script.parent.mkdir(exist_ok=True)
    script.write_text('#!/bin/sh\nprintf "%s\\0" "$@" > said\n')
    script.chmod(0o755)
    filled = [word.replace("…", "" if word.startswith("ARGS=") else "x") for word in words]
    subprocess.run(filled, cwd=folder, env=clean_environment(), check=True, capture_output=True)
    said = folder / "said"
    return said.read_text().split("\0")[:-1] if said.exists() else []


def sessions(words: list[str]) -> tuple[str, list[str]]:
    """The session and what is passed on."""
    own, passed = (
        (words[: words.index("--")], words[words.index("--") + 1 :]) if "--" in words else (words, [])
    )
    flag, name = own
    assert flag == "-s"
    return name, passed


class Session:
    """Stands for nox's session: writes down what would run, and follows to the sessions that it asks for."""

    def __init__(self, noxfile: Any, name: str, passed: list[str]) -> None:
        self.noxfile, self.name, self.posargs = noxfile, name, passed
        self.ran: list[list[str]] = []
        getattr(noxfile, name).func(self)

    def run(self, *command: str, **_: object) -> None:
        """Write down a command, unless it installs something."""
        if "pip" not in command and "virtualenv" not in command:
            self.ran.append([Path(command[0]).name, *command[1:]])

    def notify(self, name: str, passed: list[str]) -> None:
        """Another session's turn."""
        self.ran += Session(self.noxfile, name, passed).ran

    def skip(self, *_: object) -> None:
        """A chain's own end."""

    log = skip


def commands_of(folder: Path, words: list[str]) -> list[list[str]]:
    """The commands that a command of make or nox comes to in the end."""
    name, passed = sessions(made(folder, words))
    noxfile = load_noxfile()
    noxfile.ENVIRONMENTS = folder / ".nox"  # type: ignore[attr-defined]
    noxfile.make_environment = lambda _, home: home.mkdir(parents=True, exist_ok=True)  # type: ignore[attr-defined]
    return Session(noxfile, name, passed).ran
