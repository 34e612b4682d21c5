"""Documented lines that take minutes or gigabytes, run as they are written: `nox -s documented`, which no session does.

Its name keeps this file out of every other collection. The lines are typed into a copy of the working tree, which keeps
its environments for the next time. Choose by name: `nox -s documented -- -k perf`. Wants a machine with nothing else to
do, as some of the lines measure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sagellm_benchmark import __version__
from tests.documented.lines import Line, run_by
from tests.fakes.machines import path_with
from tests.house import ROOT, clean_environment

pytestmark = pytest.mark.timeout(6 * 3600)

LINES = run_by(__file__)
INSTALLS = [line for line in LINES if line.words[0] == "pip"]
HOME = ROOT / ".nox" / "documented"
KEPT = (".git", ".make", ".nox")
GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@example.com")


def typed(line: str, cwd: Path, *programs: Path) -> None:
    """Type a line into a shell, and expect it to do what it should; what it says is shown."""
    environment = clean_environment(PATH=path_with(*programs))
    subprocess.run(("bash", "-c", line), cwd=cwd, env=environment, stdin=subprocess.DEVNULL, check=True)


@pytest.fixture(scope="module")
def checkout() -> Path:
    """A copy of the working tree in which nox and the development environment are installed."""
    HOME.mkdir(parents=True, exist_ok=True)
    for old in HOME.iterdir():
        if old.name not in KEPT:
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    listed = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    for name in filter(None, names):
        (HOME / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, HOME / name)
    for words in (("init", "-q"), ("add", "."), ("commit", "-qm", "a copy", "--allow-empty", "--no-verify")):
        subprocess.run((*GIT, *words), cwd=HOME, env=clean_environment(), check=True)
    typed("make test ARGS=--version", HOME)
    return HOME


@pytest.mark.parametrize("line", [line for line in LINES if line not in INSTALLS], ids=lambda line: line.text)
def test_a_line_that_takes_long_does_what_it_says(line: Line, checkout: Path) -> None:
    typed(line.text, checkout, checkout / ".nox/dev/bin", checkout / ".make/bin")


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with our own package, as it is built here."""
    folder = tmp_path_factory.mktemp("packages")
    subprocess.run((sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)), check=True)
    return folder


@pytest.mark.parametrize("line", INSTALLS, ids=lambda line: line.text)
def test_an_extra_is_installed_from_the_user_s_index(
    line: Line, packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but our own package comes from there; `run` then measures in an empty folder, where the model comes too."""
    subprocess.run((sys.executable, "-m", "venv", tmp_path / "venv"), check=True)
    (tmp_path / "ours.txt").write_text(f"isagellm-benchmark=={__version__}\n")
    (tmp_path / "empty").mkdir()
    programs = tmp_path / "venv" / "bin"
    monkeypatch.setenv("PIP_CONSTRAINT", str(tmp_path / "ours.txt"))
    monkeypatch.setenv("PIP_FIND_LINKS", f"{packages} {os.environ.get('PIP_FIND_LINKS', '')}")
    monkeypatch.setenv("SAGELLM_ACCEPT_BUSY", "1")  # that it measures counts here, not what
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    typed(line.text, tmp_path, programs)
    typed(
        f"sagellm-benchmark run {'' if 'embedded' in line.text else '--help'}", tmp_path / "empty", programs
    )
    assert "embedded" not in line.text or list(tmp_path.glob("empty/outputs/*/*/*/report.html"))
