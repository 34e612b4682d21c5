"""Fetch the published boards, for whoever only reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sagellm_benchmark.board.entry import BOARDS
from sagellm_benchmark.board.folder import STANDING
from sagellm_benchmark.errors import RemoteError
from sagellm_benchmark.hub.directory import open_store
from sagellm_benchmark.hub.retry import Pace, retrying, silent
from sagellm_benchmark.typed import typed

_UNANSWERED, _PATIENCE_S = 3, 60.0  # aggregate can go on without the Hub


def published_boards(
    repo: str, *, asked_by: str = "aggregate", pace: Pace | None = None, say: Callable[[str], None] = silent
) -> Mapping[str, bytes]:
    """Return both boards and the file with their rows' standing, by name, at the dataset's newest commit.

    Raise RemoteError, with a way to go on without them in the command `asked_by`.
    """
    hub = open_store(repo, None)
    try:
        return retrying(
            lambda: hub.read((*BOARDS, STANDING)),
            pace or Pace(unanswered=_UNANSWERED, patience_s=_PATIENCE_S, say=say),
        ).files
    except RemoteError as error:
        raise RemoteError(
            error.message,
            hint=f"merge with nothing fetched: {typed(f'{asked_by} --offline', f'{asked_by} OFFLINE=1')} "
            "(safe: publishing merges again)",
        ) from error
