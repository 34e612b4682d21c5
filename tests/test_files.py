from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import MAX_TOML_BYTES, read_toml, to_json, write_whole


def test_json_is_indented_and_ends_with_a_newline() -> None:
    assert to_json({"b": 1, "a": [0.1]}) == b'{\n  "b": 1,\n  "a": [\n    0.1\n  ]\n}\n'


def test_a_file_is_replaced_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "x.json"
    write_whole(file, b"old")
    write_whole(file, b"new")
    assert file.read_bytes() == b"new"
    assert list(file.parent.iterdir()) == [file]


def test_the_umask_is_respected(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "x", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o640


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write"):
        write_whole(tmp_path / "file" / "x", b"")


def test_a_target_that_cannot_be_replaced_keeps_what_it_was(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "kept").write_text("")
    with pytest.raises(DataError):
        write_whole(tmp_path / "x", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"requests = ", "is not TOML"),
        (b"\xff", "is not TOML"),
        (b"#" * (MAX_TOML_BYTES + 1), "larger than 1 MiB"),
        (None, "cannot read"),
    ],
)
def test_a_toml_file_that_is_none_is_said(content: bytes | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "file.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=said) as caught:
        read_toml(path, example="requests = 100")
    assert caught.value.hint


def test_a_toml_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "file.toml"
    path.write_text('name = "Zürich"')
    assert read_toml(path, example="") == {"name": "Zürich"}
