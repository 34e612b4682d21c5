"""The notes that a shared folder keeps of its commits. Others may write there, so each note's form is checked. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from sagellm_benchmark.board.entry import loaded
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import to_json
from sagellm_benchmark.hub.blobs import sha256
from sagellm_benchmark.hub.layout import is_known
from sagellm_benchmark.hub.store import MAX_FILE_BYTES, is_proof, is_submission

MOST_BYTES = 2 * MAX_FILE_BYTES

_COMMIT, _HASH = re.compile(r"[0-9a-f]{40}"), re.compile(r"[0-9a-f]{64}")
_MOST_TEXT = 1000
_FORM: Mapping[str, type] = {
    "commit": str,
    "number": int,
    "parent": str,
    "message": str,
    "at": str,
    "files": dict,
}
_HINT = "restore it, or move `.board` away: the files stay, and their history begins anew"


@dataclass(frozen=True, slots=True)
class Record:
    """One commit: its id is the hash of everything else, and `files` holds the SHA-256 of each file that it wrote."""

    commit: str
    number: int
    parent: str
    message: str
    at: str
    files: Mapping[str, str]

    @classmethod
    def after(cls, head: Record, message: str, hashes: Mapping[str, str]) -> Record:
        """Return the record of a commit on top of `head`; `hashes` has the SHA-256 of each file, by name.

        Raise DataError for a file that has no place in the dataset.
        """
        strange = [name for name in hashes if not is_known(name)]
        if strange:
            raise DataError(f"{strange[0]!r} is not a file of a board", hint="report it: nothing was written")
        at = datetime.now(UTC).isoformat(timespec="microseconds")
        rest: dict[str, Any] = {
            "number": head.number + 1,
            "parent": head.commit,
            "message": message,
            "at": at,
            "files": dict(hashes),
        }
        return cls(_commit_id(rest), **rest)

    def as_dict(self) -> dict[str, Any]:
        """Return the record as the JSON object that is written."""
        return asdict(self)


def record(name: str, content: bytes) -> Record:
    """Return the record in these bytes; `name` is what errors call the file. Raise DataError if they hold none."""
    return _record(name, loaded(name, content, _HINT))


def pending(of: Record, small: Mapping[str, bytes]) -> bytes:
    """Return the note of a commit that waits to be carried out: its record, and the content of each small file.

    Large files are only named; they are staged beside the note under their hashes. Raise DataError if the note would
    be larger than readers accept.
    """
    held = {name: base64.b64encode(content).decode() for name, content in small.items()}
    note = to_json({"record": of.as_dict(), "contents": {name: held.get(name) for name in of.files}})
    if len(note) > MOST_BYTES:
        raise DataError(
            f"this commit has more than {MOST_BYTES >> 20} MiB of small files; nothing was written",
            hint="publish fewer rows at a time",
        )
    return note


def unpack(name: str, content: bytes, head: Record) -> tuple[Record, dict[str, bytes | None]]:
    """Return a pending commit's record, and the content of each file; None for a file that is staged beside it.

    Raise DataError if the commit is neither `head` nor the next one after it, names a file that does not belong in the
    dataset, or holds a content that is not the recorded one.
    """
    whole = loaded(name, content, _HINT)
    if not isinstance(whole, dict) or whole.keys() != {"record", "contents"}:
        raise _no_record(name)
    found, texts = _record(name, whole["record"]), whole["contents"]
    follows = found.number == head.number + 1 and found.parent == head.commit
    if not isinstance(texts, dict) or texts.keys() != found.files.keys() or not (follows or found == head):
        raise _no_record(name)
    return found, {
        file: None if text is None else _content(name, file, text, found.files[file])
        for file, text in texts.items()
    }


def changed(log: Sequence[Record], files: Mapping[str, bytes], proofs: Container[str]) -> dict[str, str]:
    """Return, in words, what happened to submissions that are not as a commit first wrote them; `log` is oldest first.

    Evidence, signatures and tombstones are only checked for removal: `proofs` holds the names of those that are there.
    A file that no commit wrote is left out here: it is judged by its name alone.
    """
    found: dict[str, str] = {}
    first: dict[str, str] = {}
    for before, record in zip((None, *log), log, strict=False):
        if before is not None and (record.number, record.parent) != (before.number + 1, before.commit):
            found[f".board/commits/{record.number:06}.json"] = "does not follow the commit before it"
        for name, digest in record.files.items():
            if first.setdefault(name, digest) != digest and is_submission(name):
                found[name] = f"was changed by commit {record.number}"
    for name in filter(is_submission, first):
        if name not in files:
            found[name] = "was removed by hand"
        elif sha256(files[name]) != first[name]:
            found.setdefault(name, "was changed by hand")
    for name in (name for name in first if is_proof(name) and name not in proofs):
        found[name] = "was removed by hand"
    return found


def order(log: Sequence[Record]) -> dict[str, int]:
    """Return for each submission the number of the commit that added it."""
    first: dict[str, int] = {}
    for record in log:
        for name in filter(is_submission, record.files):
            first.setdefault(name, record.number)
    return first


def _record(name: str, value: Any) -> Record:
    if not isinstance(value, dict) or value.keys() != _FORM.keys():
        raise _no_record(name)
    typed = all(type(value[field]) is kind for field, kind in _FORM.items())
    if not typed or len(value["message"]) > _MOST_TEXT or len(value["at"]) > _MOST_TEXT:
        raise _no_record(name)
    fits = 0 < value["number"] < 10**9 and all(_COMMIT.fullmatch(value[k]) for k in ("commit", "parent"))
    files = value["files"]
    hashes = all(isinstance(digest, str) and _HASH.fullmatch(digest) for digest in files.values())
    if not fits or not hashes or not all(map(is_known, files)):
        raise _no_record(name)
    if value["commit"] != _commit_id({field: value[field] for field in _FORM if field != "commit"}):
        raise _no_record(name)
    return Record(**value)


def _content(name: str, file: str, text: Any, digest: str) -> bytes:
    try:
        content = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except binascii.Error as error:
        raise _no_record(name) from error
    return as_recorded(name, file, content, digest)


def as_recorded(name: str, file: str, content: bytes | None, digest: str) -> bytes:
    """Return the content of a pending commit's file. Raise DataError if it is not the recorded one, or missing."""
    if content is None or sha256(content) != digest:
        raise DataError(f"{name}: what it holds of {file} is not what it recorded", hint=_HINT)
    return content


def _commit_id(rest: Mapping[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(rest)).hexdigest()[:40]


def _no_record(name: str) -> DataError:
    return DataError(f"{name} was not written by this tool; nothing of it was carried out", hint=_HINT)
