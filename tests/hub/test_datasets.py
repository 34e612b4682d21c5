"""What is published, as people load it: by the `datasets` library, where it is installed (`nox -s datasets`)."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson
import pytest

from sagellm_benchmark.board.identity import entry_id
from sagellm_benchmark.hub.directory import Directory
from sagellm_benchmark.hub.publish import publish
from sagellm_benchmark.hub.store import VIEWER
from sagellm_benchmark.hub.viewer import COLUMNS, table
from tests.board.boards import published_rows
from tests.fakes.rows import new_row
from tests.hub.support import given
from tests.site.boards import fresh_rows

NEEDS_IT = pytest.mark.skipif(
    find_spec("datasets") is None,
    reason="NO DATASETS LIBRARY: what is published was not loaded; nox -s datasets",
)
LOAD = """
import json, sys
import datasets
found = {}
for name in ("single", "multi"):
    table = datasets.load_dataset(sys.argv[1], name, split="train", cache_dir=sys.argv[2])
    types = {column: feature.dtype for column, feature in table.features.items()}
    found[name] = {"types": types, "rows": table.to_list()}
print(json.dumps(found))
"""


def loaded(folder: Path, cache: Path) -> dict[str, Any]:
    """Both configs as the library gives them: their types and their rows."""
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(folder), str(cache)],
        env={"HF_HUB_OFFLINE": "1", "HF_HOME": str(cache), "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@NEEDS_IT
@pytest.mark.slow
def test_two_configs_have_one_schema_whatever_rows_say(tmp_path: Path) -> None:
    """Rows of before, which lack most columns; new ones; and one with fields that nobody else has."""
    shared = tmp_path / "shared"
    (shared).mkdir()
    (shared / "leaderboard_single.json").write_bytes(orjson.dumps(published_rows()))
    strange = {**new_row(model__name="strange"), "extra": {"deep": [1, "two"]}}
    strange["entry_id"] = entry_id(strange)
    publish(Directory(shared), given(*fresh_rows(), strange))
    found = loaded(shared, tmp_path / "cache")
    expected = {name: kind for name, (kind, _) in COLUMNS.items()}
    assert found["single"]["types"] == found["multi"]["types"] == expected
    whole = {row["entry_id"]: orjson.loads(row["row"]) for row in found["single"]["rows"]}
    assert whole[strange["entry_id"]] == strange
    assert [row["node_count"] for row in found["multi"]["rows"]] == [2]


def test_every_row_has_every_column_in_its_type() -> None:
    rows = [new_row(metrics__ttft_ms=12), {"entry_id": 7, "metrics": [], "hardware": {"chip_count": 1.5}}]
    full, empty = (orjson.loads(line) for line in table(rows).splitlines())
    assert list(full) == list(empty) == list(COLUMNS)
    assert (full["ttft_ms"], full["engine"]) == (12.0, "llama.cpp")
    assert {name for name, value in empty.items() if value is not None} == {"row"}
    assert orjson.loads(empty["row"]) == rows[1]


def test_the_tables_are_where_the_card_says() -> None:
    assert VIEWER == {"single": "viewer/single.jsonl", "multi": "viewer/multi.jsonl"}
