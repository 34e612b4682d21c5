"""scripts/nox.sh finds a Python that can, or says what is missing and what to do about it."""

from __future__ import annotations

import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house import ROOT, clean_environment

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

OLD = "#!/bin/sh\ncase $2 in *print*) echo 3.8;; *) exit 1;; esac\n"
NO_PYTHON = "#!/bin/sh\nexit 127\n"  # as a version manager's stand-in for a Python that is not installed
WITHOUT_ENSUREPIP = (
    f'#!/bin/sh\ncase $2 in *ensurepip*) exit 1;; esac\nexec {shlex.quote(sys.executable)} "$@"\n'
)
# Stands for the environment's Python once nox is in it: says what it was asked to run.
READY = (
    f'#!/bin/sh\ncase $2 in *nox*) shift 2; echo "$@";; *) exec {shlex.quote(sys.executable)} "$@";; esac\n'
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The script in a checkout of its own, and a `bin` that is all there is on PATH."""
    for folder in ("scripts", "bin", "elsewhere"):
        (tmp_path / folder).mkdir()
    shutil.copy(ROOT / "scripts/nox.sh", tmp_path / "scripts")
    for tool in ("sh", "dirname", "rm"):
        found = shutil.which(tool)
        assert found
        (tmp_path / "bin" / tool).symlink_to(found)
    return tmp_path


def install(checkout: Path, name: str, script: str) -> None:
    program = checkout / name
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(script)
    program.chmod(0o755)


def run(checkout: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (checkout / "scripts/nox.sh", *words),
        cwd=checkout / "elsewhere",
        env=clean_environment(PATH=str(checkout / "bin"), **environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_no_python_is_named_as_the_problem(checkout: Path) -> None:
    answer = run(checkout)
    assert answer.returncode == 2
    assert "Python 3.11 or newer is needed" in answer.stderr
    assert "no Python at all" in answer.stderr
    assert "next:" in answer.stderr


def test_an_old_python_is_named_with_its_version(checkout: Path) -> None:
    install(checkout, "bin/python3", OLD)
    answer = run(checkout)
    assert answer.returncode == 2
    assert "python3 is 3.8" in answer.stderr


def test_an_old_python_that_was_asked_for_is_not_replaced_by_another(checkout: Path) -> None:
    install(checkout, "bin/old", OLD)
    install(checkout, "bin/python3", WITHOUT_ENSUREPIP)
    answer = run(checkout, PYTHON="old")
    assert answer.returncode == 2
    assert "PYTHON=old is 3.8" in answer.stderr


def test_a_python_that_does_not_run_is_said_to_be_none(checkout: Path) -> None:
    install(checkout, "bin/stub", NO_PYTHON)
    assert "PYTHON=stub is no Python that runs" in run(checkout, PYTHON="stub").stderr


def test_a_newer_python_beside_an_old_one_is_found(checkout: Path) -> None:
    install(checkout, "bin/python3", OLD)
    install(checkout, "bin/python3.13", NO_PYTHON)
    install(checkout, "bin/python3.12", WITHOUT_ENSUREPIP)
    assert "python3.12 cannot make virtual environments" in run(checkout).stderr


def test_an_absent_venv_is_said_with_the_package_that_brings_it(checkout: Path) -> None:
    install(checkout, "bin/python3", WITHOUT_ENSUREPIP)
    answer = run(checkout)
    assert answer.returncode == 2
    assert "venv or ensurepip module is absent" in answer.stderr
    assert f"apt install python3.{sys.version_info.minor}-venv" in answer.stderr
    assert not (checkout / ".make").exists()


def test_what_is_installed_is_used_at_once_and_from_any_folder(checkout: Path) -> None:
    install(checkout, ".make/bin/python", READY)
    (checkout / ".make/ready").touch()
    answer = run(checkout, "-s", "bench", "--", "--model", "two words")
    assert (answer.returncode, answer.stdout) == (0, "-s bench -- --model two words\n")


def test_ctrl_c_while_nox_is_still_starting_shows_no_traceback(checkout: Path) -> None:
    install(checkout, ".make/bin/python", f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    (checkout / ".make/ready").touch()
    starting = checkout / "starting" / "nox"
    starting.mkdir(parents=True)
    (starting / "__init__.py").write_text("raise KeyboardInterrupt\n")  # as if it came at this line
    answer = run(checkout, "-s", "bench", PYTHONPATH=str(starting.parent))
    assert (answer.returncode, answer.stdout, answer.stderr) == (130, "", "")


def test_an_interrupted_installation_is_not_used(checkout: Path) -> None:
    install(checkout, ".make/bin/python", READY)
    assert run(checkout, "-s", "ci").returncode == 2


def test_another_python_than_the_installed_one_can_be_asked_for(checkout: Path) -> None:
    install(checkout, ".make/bin/python", READY)
    (checkout / ".make/ready").touch()
    install(checkout, "bin/old", OLD)
    assert "PYTHON=old is 3.8" in run(checkout, "-s", "ci", PYTHON="old").stderr


def test_ctrl_c_while_nox_is_being_installed_shows_no_traceback(checkout: Path) -> None:
    install(checkout, "bin/python3", f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    making = checkout / "making" / "venv"
    making.mkdir(parents=True)
    (making / "__init__.py").touch()
    (making / "__main__.py").write_text("import os, signal\n\nos.kill(os.getpid(), signal.SIGINT)\n")
    answer = run(checkout, "-s", "bench", PYTHONPATH=str(making.parent))
    assert answer.returncode == 128 + signal.SIGINT
    assert answer.stderr == "Installing nox into .make/ with python3 (only this once) …\n"
