from __future__ import annotations

from pathlib import Path

import pytest

from sagellm_benchmark.engines.capacity import check_disk, check_memory
from sagellm_benchmark.errors import DataError


def test_what_fits_is_let_through_and_its_folder_is_made(tmp_path: Path) -> None:
    check_disk("it", 1, tmp_path / "new" / "folder")
    assert (tmp_path / "new" / "folder").is_dir()


def test_too_little_disk_is_told_in_figures(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Big needs 1152921504\.7 GB of disk in .*, and [\d.]+ GB are free"):
        check_disk("Big", 1 << 60, tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"cannot write .*file/folder"):
        check_disk("it", 1, tmp_path / "file" / "folder")


def test_too_little_memory_is_told_in_figures() -> None:
    with pytest.raises(DataError, match="of memory"):
        check_memory("Big", 1 << 60)
