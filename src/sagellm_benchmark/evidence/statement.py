"""evidence.json: an in-toto Statement that binds a row to the files of its run.

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md. Its subjects are the run's files, and the public
forms of files that hold more than everybody may see; its predicate holds the row and what the row follows from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import orjson

from sagellm_benchmark.board.hostile import is_deeper
from sagellm_benchmark.board.identity import Row, entry_id
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import Document, to_json
from sagellm_benchmark.runs import row as rows
from sagellm_benchmark.runs.grounds import Grounds
from sagellm_benchmark.runs.record import Config, Record

EVIDENCE_FILE = "evidence.json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://github.com/intellistream/sagellm-benchmark/evidence/v1"
PUBLIC = "public/"
"""The prefix in the name of a file's public form."""

_ANNOTATIONS, _BYTES = "annotations", "bytes"  # fields of a subject, by in-toto's ResourceDescriptor
_MOST_LEVELS = 64
_LATER = ("entry_id", "evidence")  # fields that a row gets only with its evidence


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that was read: the files that it is about, and what it says."""

    digests: Mapping[str, str]  # SHA-256 by name
    lengths: Mapping[str, int]  # how many bytes the digest covers, if the file may have grown since
    row: Row
    predicate: Document
    grounds: Grounds


def sha256(content: bytes) -> str:
    """Return the SHA-256 of these bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def statement(
    record: Record,
    row: Row,
    grounds: Grounds,
    digests: Mapping[str, str],
    lengths: Mapping[str, int],
) -> bytes:
    """Return the bytes of evidence.json. Equal runs give equal bytes.

    `lengths` says, for files that keep growing, how many bytes their digest covers.
    """
    return to_json(
        {
            "_type": STATEMENT_TYPE,
            "subject": [
                {
                    "name": name,
                    "digest": {"sha256": digests[name]},
                    **({_ANNOTATIONS: {_BYTES: lengths[name]}} if name in lengths else {}),
                }
                for name in sorted(digests)
            ],
            "predicateType": PREDICATE_TYPE,
            "predicate": {"row": without_evidence(row), **facts(record), "grounds": grounds.plain()},
        }
    )


def facts(record: Record) -> Document:
    """Return what the predicate says about a run besides its row, as a JSON object."""
    config = record.config
    calibration = record.summary.client.calibration
    return {
        "tool": {"name": config.tool.name, "version": config.tool.version},
        "commit": config.tool.git_commit,
        "seed": config.seed,
        "dataset": {"name": config.dataset.name, "sha256": config.dataset.sha256},
        "calibration": None if calibration is None else asdict(calibration),
    }


def parse(content: bytes) -> Statement:
    """Return a statement's parts. Raise DataError for bytes that are not one of our statements."""
    try:
        value = orjson.loads(content)
        if is_deeper(value, _MOST_LEVELS):
            raise DataError(f"{EVIDENCE_FILE} is nested deeper than {_MOST_LEVELS} levels")
        if (value["_type"], value["predicateType"]) != (STATEMENT_TYPE, PREDICATE_TYPE):
            raise DataError(
                "the evidence is of another kind", hint="use the version of this tool that wrote it"
            )
        predicate = value["predicate"]
        digests = {str(one["name"]): str(one["digest"]["sha256"]) for one in value["subject"]}
        lengths = {
            str(one["name"]): int(one[_ANNOTATIONS][_BYTES])
            for one in value["subject"]
            if _BYTES in one.get(_ANNOTATIONS, {})
        }
        grounds = Grounds.parse(predicate["grounds"])
        return Statement(digests, lengths, dict(predicate["row"]), predicate, grounds)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"{EVIDENCE_FILE} is damaged: {error}", hint="restore it, or measure again"
        ) from error


def with_evidence(row: Row, digest: str) -> Row:
    """Return the row with the digest of its evidence. Its id covers both, so neither can be exchanged alone."""
    named = {**row, "evidence": {"sha256": digest}}
    return {**named, "entry_id": entry_id(named)}


def without_evidence(row: Row) -> Row:
    """Return the row without its id and evidence, and without the mark that only maintainers set."""
    said = {name: value for name, value in row.items() if name not in _LATER}
    if isinstance(said.get("metadata"), dict):
        said["metadata"] = {**said["metadata"], "verified": False}
    return said


def public_config(config: Config) -> Config:
    """Return the same config without the server's address and this machine's folders."""
    server = replace(
        config.server, base_url="BASE_URL", served_model=rows.without_folders(config.server.served_model)
    )
    tool = replace(config.tool, command=rows.for_others(config.tool.command))
    return replace(config, tool=tool, server=server)
