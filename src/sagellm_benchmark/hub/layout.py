"""The names of files in the dataset: all that a publish may write, whatever the kind of store."""

from __future__ import annotations

import re

from sagellm_benchmark.board.identity import UUID
from sagellm_benchmark.board.proof import EVIDENCE, SHA256, SIGNATURES, SUFFIX
from sagellm_benchmark.hub.store import FILES, PAGE, SUBMISSIONS, VIEWER, WITHDRAWN

_MANY = (
    re.compile(rf"{SUBMISSIONS}/[A-Za-z0-9][A-Za-z0-9._-]{{0,99}}/{UUID.pattern}\.json"),
    re.compile(rf"{WITHDRAWN}/[A-Za-z0-9][A-Za-z0-9._-]{{0,99}}/{UUID.pattern}\.jsonl"),
    re.compile(rf"{EVIDENCE}/{SHA256.pattern}({re.escape(SUFFIX)}|{re.escape(SIGNATURES)})"),
)


def is_known(name: str) -> bool:
    """Return whether a publish may write a file of this name; no such name leads out of the dataset's own folder."""
    return name in (*FILES, PAGE, *VIEWER.values()) or any(pattern.fullmatch(name) for pattern in _MANY)
