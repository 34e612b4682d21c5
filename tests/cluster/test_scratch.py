"""Temporary folders of nodes: those of living processes stay, those of killed ones go with the next that is made."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest

from sagellm_benchmark.cluster.scratch import Scratch, scratch

HOLDS = """
import sys, tempfile
from sagellm_benchmark.cluster.scratch import Scratch
tempfile.tempdir = sys.argv[1]
made = Scratch.made("sagellm-")
print(made.path, flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_a_folder_goes_with_all_that_is_in_it(tmp_path: Path) -> None:
    made = Scratch.made("sagellm-")
    (made.path / "run").mkdir()
    made.remove()
    assert list(tmp_path.iterdir()) == []


def test_another_folder_of_this_process_stays() -> None:
    first, second = Scratch.made("sagellm-"), Scratch.made("sagellm-")
    assert first.path.is_dir()
    first.remove()
    second.remove()


def test_what_a_killed_process_has_left_goes_with_the_next_one(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDS, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        theirs = Path(process.stdout.readline().strip())
        ours = Scratch.made("sagellm-")
        assert theirs.is_dir()
        ours.remove()
        process.kill()
    Scratch.made("sagellm-").remove()
    assert not theirs.exists()


def test_a_folder_of_that_name_that_is_nobodys_scratch_stays(tmp_path: Path) -> None:
    (tmp_path / "sagellm-notes").mkdir()
    (tmp_path / "sagellm-notes" / "in-use-again").touch()
    Scratch.made("sagellm-").remove()
    assert (tmp_path / "sagellm-notes").is_dir()


def test_a_folder_for_a_block_goes_with_it_whatever_happens_there(tmp_path: Path) -> None:
    with contextlib.suppress(KeyError), scratch("sagellm-") as folder:
        assert folder.parent == tmp_path
        raise KeyError(folder)
    assert list(tmp_path.iterdir()) == []
