"""Temporary folders: those of living processes stay, those of killed ones go."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from sagellm_benchmark.scratch import Scratch, scratch
from tests.waiting import wait_for

HOLDS = """
import sys, tempfile
from sagellm_benchmark.scratch import Scratch
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


@contextlib.contextmanager
def another_process(folder: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    command = [sys.executable, "-c", HOLDS, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())
        process.kill()


def test_a_living_process_keeps_its_folder_and_a_killed_one_loses_it(tmp_path: Path) -> None:
    with another_process(tmp_path) as (process, theirs):
        Scratch.made("sagellm-").remove()
        assert theirs.is_dir()
        process.kill()
        wait_for(lambda: not theirs.exists())


def test_what_is_left_where_everything_was_killed_at_once_goes_with_the_next_one(tmp_path: Path) -> None:
    with another_process(tmp_path) as (process, theirs):
        every = psutil.process_iter(["cmdline"])
        (remover,) = (one for one in every if str(theirs) in (one.info["cmdline"] or ()))
        remover.kill()
        process.kill()
    assert theirs.is_dir()
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


def test_a_link_of_that_name_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "in-use").touch()
    (tmp_path / "sagellm-link").symlink_to(outside)
    Scratch.made("sagellm-").remove()
    assert (outside / "in-use").exists()


@pytest.mark.parametrize("holds", [(), ("new",)])
def test_what_a_process_left_that_was_killed_while_it_made_its_folder_goes(
    holds: tuple[str, ...], tmp_path: Path
) -> None:
    for name in ("sagellm-old", "sagellm-young"):
        (tmp_path / name).mkdir()
        for file in holds:
            (tmp_path / name / file).touch()
    os.utime(tmp_path / "sagellm-old", (0, 0))
    Scratch.made("sagellm-").remove()
    assert [one.name for one in tmp_path.iterdir()] == ["sagellm-young"]
