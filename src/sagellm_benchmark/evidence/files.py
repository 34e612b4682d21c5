"""The evidence of a run: written when the run is over, packed for everybody, and read again."""

from __future__ import annotations

import hashlib
from pathlib import Path

from sagellm_benchmark.board.identity import Row
from sagellm_benchmark.board.read import read_whole
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.evidence.bundle import pack
from sagellm_benchmark.evidence.statement import (
    EVIDENCE_FILE,
    PUBLIC,
    public_config,
    sha256,
    statement,
    with_evidence,
)
from sagellm_benchmark.files import to_json, write_whole
from sagellm_benchmark.runs import codec
from sagellm_benchmark.runs.record import Record
from sagellm_benchmark.runs.requests import REQUESTS_FILE, without_words

CONFIG, SUMMARY, SERVER_LOG = "config.json", "summary.json", "server.log"
_FILES = (CONFIG, SUMMARY, REQUESTS_FILE, SERVER_LOG)
_MOST_REQUESTS_BYTES = 256 << 20  # of requests.jsonl; a longer run has digests, but nothing to hand out
_MOST_BYTES = 1 << 30
_PIECE_BYTES = 1 << 20


def write(folder: Path, record: Record, row: Row) -> Row:
    """Write evidence.json beside the run's files, which must be there; return the row that names that evidence.

    A record without grounds, or a run without requests.jsonl, has no evidence; its row is returned unchanged.
    """
    if record.grounds is None or not (folder / REQUESTS_FILE).is_file():
        return row
    hashed = {name: _digest(folder / name) for name in _FILES if (folder / name).is_file()}
    digests = {name: digest for name, (digest, _) in hashed.items()}
    digests |= {name: sha256(content) for name, content in _public(folder).items()}
    lengths = {name: length for name, (_, length) in hashed.items() if name == SERVER_LOG}
    content = statement(record, row, record.grounds, digests, lengths)
    write_whole(folder / EVIDENCE_FILE, content)
    return with_evidence(row, sha256(content))


def bundle(folder: Path) -> bytes:
    """Return a run's public evidence, packed. Raise DataError if a file is missing or too large."""
    held = {name: read_whole(folder / name, _MOST_BYTES) for name in (EVIDENCE_FILE, SUMMARY)}
    return pack(held | _public(folder))


def in_folder(folder: Path) -> dict[str, bytes]:
    """Return a run's files by name. Raise DataError if one that must be there is missing."""
    if not (folder / EVIDENCE_FILE).is_file():
        raise DataError(
            f"{folder} holds no evidence",
            hint="measure again: runs of older versions and runs without figures have none",
        )
    names = [EVIDENCE_FILE, *(name for name in _FILES if name != SERVER_LOG or (folder / name).exists())]
    return {name: read_whole(folder / name, _MOST_BYTES) for name in names}


def _public(folder: Path) -> dict[str, bytes]:
    """Return the public forms of config.json and requests.jsonl, by the names that their digests have.

    Empty if requests.jsonl is too long to be handed out.
    """
    if (folder / REQUESTS_FILE).stat().st_size > _MOST_REQUESTS_BYTES:
        return {}
    record = codec.parse(*(read_whole(folder / name, _MOST_BYTES) for name in (CONFIG, SUMMARY)))
    return {
        f"{PUBLIC}{CONFIG}": to_json(codec.config_json(public_config(record.config))),
        f"{PUBLIC}{REQUESTS_FILE}": without_words(read_whole(folder / REQUESTS_FILE, _MOST_REQUESTS_BYTES)),
    }


def _digest(path: Path) -> tuple[str, int]:
    """Return a file's SHA-256, and how many bytes it covers: an engine keeps writing to its log until it is stopped."""
    digest, length = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
            length += len(piece)
    return digest.hexdigest(), length
