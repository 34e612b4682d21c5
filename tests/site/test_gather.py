from __future__ import annotations

from pathlib import Path

import pytest

from sagellm_benchmark.board.entry import MULTI, SINGLE
from sagellm_benchmark.board.folder import STANDING
from sagellm_benchmark.board.identity import identity, slug, submission_path
from sagellm_benchmark.board.standing import Withdrawal
from sagellm_benchmark.board.standing_file import parse, to_bytes
from sagellm_benchmark.errors import DataError, UsageError
from sagellm_benchmark.files import to_json
from sagellm_benchmark.hub.directory import Directory
from sagellm_benchmark.hub.publish import publish
from sagellm_benchmark.site.gather import from_folder, from_store, gather
from tests.fakes.rows import new_row
from tests.hub.support import given
from tests.site.boards import fresh_rows


def test_a_folders_rows_are_read_from_all_its_files(tmp_path: Path) -> None:
    rows = fresh_rows()
    (tmp_path / SINGLE).write_bytes(to_json(rows[:2]))
    (tmp_path / MULTI).write_bytes(to_json(rows[2:]))
    (tmp_path / "last_updated.json").write_text("{}")
    assert len(gather(str(tmp_path), beaten=False).best) == len(rows)


def test_a_shared_board_shows_what_was_beaten(tmp_path: Path) -> None:
    store = Directory(tmp_path)
    for rate in (75.0, 80.0):
        publish(store, given(new_row(metrics__throughput_tps=rate)))
    for board in (from_folder(tmp_path), from_store(store, beaten=True)):
        assert [entry.throughput_tps for entry in board.best] == [80.0]
        assert [entry.throughput_tps for beaten in board.beaten.values() for entry in beaten] == [75.0]
    assert from_store(store, beaten=False).beaten == {}


def test_a_withdrawn_row_stands_apart_with_its_record(tmp_path: Path) -> None:
    store, row = Directory(tmp_path), new_row()
    publish(store, given(row, new_row(model__name="another")))
    held = store.read([STANDING]).files[STANDING]
    said = Withdrawal(slug(identity(row)), "ann", "the clock was unlocked")
    content = to_bytes(parse(held).withdrawing(row["entry_id"], said))
    store.commit({STANDING: content}, store.read([]).commit, "withdraw")
    for board in (from_folder(tmp_path), *(from_store(store, beaten=beaten) for beaten in (True, False))):
        assert [entry.identity.model for entry in board.best] == ["another"]
        ((name, published_at, withdrawal, entry),) = board.withdrawn
        assert (name, withdrawal) == (row["entry_id"], said)
        assert published_at.startswith("20")
        assert entry is not None
        assert entry.row == row


def test_what_is_not_the_row_that_its_name_says_is_left_out_and_named(tmp_path: Path) -> None:
    store, row = Directory(tmp_path), new_row()
    publish(store, given(row))
    head = store.read([]).commit
    faster = {**row, "metrics": {**row["metrics"], "throughput_tps": 1e6}}
    folder = tmp_path / submission_path(row)
    for name, content in ((folder, faster), (folder.with_name("nothing.json"), {})):
        name.write_bytes(to_json(content))
    for board in (from_folder(tmp_path), from_store(store, beaten=True)):
        assert [entry.throughput_tps for entry in board.best] == [row["metrics"]["throughput_tps"]]
        assert board.beaten == {}
        assert [why.split(" ", 1)[1] for why in board.left_out] == [
            "was changed by hand",
            "holds another row than the one that its name says",
        ]
    assert store.read([]).commit == head


def test_what_is_neither_a_folder_nor_a_dataset_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="neither a folder"):
        gather(str(tmp_path / "nothing here"), beaten=False)


def test_a_folder_without_rows_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no rows"):
        from_folder(tmp_path)


def test_a_store_without_a_board_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no board yet"):
        from_store(Directory(tmp_path / "new"), beaten=False)
