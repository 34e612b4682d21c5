"""The boards as they are published, for whoever only reads them."""

from __future__ import annotations

from collections.abc import Mapping

from sagellm_benchmark.board.entry import BOARDS
from sagellm_benchmark.errors import RemoteError
from sagellm_benchmark.hub.store import Hub


def published_boards(repo: str) -> Mapping[str, bytes]:
    """Both boards at the dataset's newest commit. Raises RemoteError with a way to go on without them."""
    try:
        return Hub(repo).read(BOARDS).files
    except RemoteError as error:
        raise RemoteError(
            error.message,
            hint="merge with nothing fetched: sagellm-benchmark aggregate --offline, or make aggregate OFFLINE=1 "
            "(safe: publishing merges again)",
        ) from error
