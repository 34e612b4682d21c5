"""The rows handed in: read from a folder, judged by the board and what was ever accepted, refused with a reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sagellm_benchmark.board.folder import row_files
from sagellm_benchmark.board.read import Found, Limits, read_rows
from sagellm_benchmark.board.submission import Examined, Refused
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.hub.accepted import Rows, read_submissions
from sagellm_benchmark.hub.board import Board
from sagellm_benchmark.hub.plan import doubtful, examine
from sagellm_benchmark.hub.store import SUBMISSIONS, Store

Source = Callable[[Limits], list[Found]]
"""Returns the rows to publish, read within limits that depend on the size of the board."""

_NAMED = 5  # refused rows in an error message; --skip-invalid lists all of them
_ASK_EACH = 100  # submissions looked up one by one


def rows_in(folder: Path) -> Source:
    """Return what reads the rows of every file in hf_data/. Raise DataError for a file that does not belong there."""
    files = row_files(folder)
    return lambda limits: [found for path in files for found in read_rows(path, limits)]


def read_source(source: Source, board: Board) -> list[Found]:
    """Return the rows of a source, within the limits that the size of the board sets."""
    return source(Limits().beside(len(board.entries)))


def judge(store: Store, board: Board, found: list[Found], every: Rows | None = None) -> Examined:
    """Judge the rows; a row that may have been accepted once is looked up among the submissions first.

    `every`, if given, holds every accepted row, so that nothing needs to be looked up.
    """
    if every is not None:
        return examine(board, found, every.entries)
    examined = examine(board, found)
    paths, commit = doubtful(board, examined), board.commit
    if not paths or commit is None:
        return examined
    if len(paths) > _ASK_EACH:
        paths = sorted(set(paths) & set(store.paths(SUBMISSIONS, commit)))
    kept = read_submissions(store, paths, commit)
    return examine(board, found, kept)


def refuse_invalid(examined: Examined, *, skip_invalid: bool) -> None:
    """Raise DataError, naming the first refused rows, unless `skip_invalid` leaves them out."""
    if examined.refused and not skip_invalid:
        raise _refusal(examined.refused)


def _refusal(refused: tuple[Refused, ...]) -> DataError:
    shown = [str(one) for one in refused[:_NAMED]]
    if len(refused) > _NAMED:
        shown.append(f"… and {len(refused) - _NAMED} more")
    return DataError(
        "\n       ".join(["these rows may not be published; nothing was sent:", *shown]),
        hint="fix or remove them, or publish the others with --skip-invalid",
    )
