"""Make the files that follow from the rows alone: the dataset's boards and its two derived files.

Pure: the same rows always give the same bytes, with no clock involved.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from sagellm_benchmark.board.entry import MULTI, SINGLE, Entry, board_file
from sagellm_benchmark.board.folder import COMPARE, LAST_UPDATED
from sagellm_benchmark.board.merge import split
from sagellm_benchmark.board.snapshot import compare_file
from sagellm_benchmark.files import to_json

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_S = 253_402_300_799.0  # the last second of the year 9999, the latest date that can be written


def tables(board: Iterable[Entry]) -> dict[str, bytes]:
    """Return the four files that follow from the board's rows, by name; `board` is in its canonical order."""
    rows = tuple(board)
    updated = last_updated(rows)
    # comes first, because making it takes more memory than holding it
    compared = compare_file(rows, updated["last_updated"])
    single, multi = split(rows)
    return {
        SINGLE: board_file(single),
        MULTI: board_file(multi),
        COMPARE: compared,
        LAST_UPDATED: to_json(updated),
    }


def last_updated(board: Iterable[Entry]) -> dict[str, str]:
    """Return the content of `last_updated.json`: when the newest row was published, in UTC; the epoch for no rows.

    For a row whose time of publication is not known, such as one that is not published yet, its `submitted_at` counts.
    """
    moments = [entry.published_at or entry.submitted_at for entry in board]
    newest = max((min(moment, _LATEST_S) for moment in moments if moment is not None), default=0.0)
    return {"last_updated": f"{_EPOCH + timedelta(seconds=math.floor(newest)):%Y-%m-%dT%H:%M:%SZ}"}
