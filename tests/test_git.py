"""git is asked, and what it says of a failure stays its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sagellm_benchmark import git
from sagellm_benchmark.errors import DataError, RemoteError, UsageError


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    subprocess.run(("git", "init", "--quiet", "--initial-branch=here", tmp_path), check=True)
    return tmp_path


def test_an_answer_is_one_text(checkout: Path) -> None:
    assert git.said(checkout, "symbolic-ref", "--short", "HEAD") == "here"


def test_no_answer_is_none(checkout: Path) -> None:
    assert git.said(checkout, "rev-parse", "HEAD") is None
    assert git.said(checkout / "gone", "status") is None


def test_a_failure_is_told_without_gits_words(checkout: Path) -> None:
    with pytest.raises(DataError) as caught:
        git.output(checkout, "fetch", "http://me:secret@127.0.0.1:1/x.git")
    assert "secret" not in caught.value.message
    assert "git fetch failed" in caught.value.message


def test_a_folder_that_is_gone_is_a_wrong_use(checkout: Path) -> None:
    with pytest.raises(UsageError):
        git.output(checkout / "gone", "status")


def test_what_hangs_is_given_up(checkout: Path) -> None:
    waits = ("-c", "alias.wait=!sleep 600", "wait")
    with pytest.raises(RemoteError, match="took longer"):
        git.output(checkout, *waits, timeout_s=0.05)
