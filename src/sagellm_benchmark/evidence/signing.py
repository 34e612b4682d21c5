"""Sign a run's evidence, and find out who signed it: a signature is one line of JSON, checked with nothing fetched.

Two kinds are understood: Sigstore bundles (https://docs.sigstore.dev/about/bundle/), as made by keyless signing on a
laptop or by `actions/attest`, and DSSE envelopes (https://github.com/secure-systems-lab/dsse), by an Ed25519 key that
is enrolled in the dataset's signers.json.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson

from sagellm_benchmark.board.folder import evidence_folder
from sagellm_benchmark.board.proof import SIGNED, bundle_path, evidence_of, signatures_path
from sagellm_benchmark.board.read import read_rows, read_whole
from sagellm_benchmark.errors import DataError, UsageError
from sagellm_benchmark.evidence import files
from sagellm_benchmark.evidence.statement import EVIDENCE_FILE, sha256
from sagellm_benchmark.files import to_json, write_whole
from sagellm_benchmark.hub.bundles import MOST_BYTES, MOST_SIGNATURES, joined_signatures
from sagellm_benchmark.outputs import row_file

_SIGSTORE = "application/vnd.dev.sigstore.bundle"


def identify(digest: str, line: bytes, enrolled: bytes | None) -> str:
    """Return who signed the evidence with this SHA-256, by this line; `enrolled` is the dataset's signers.json.

    Raise DataError if the signature is not valid or covers something else, UsageError if it cannot be checked because
    a library is missing.
    """
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise DataError(f"a signature is damaged: {error}") from error
    if isinstance(value, dict) and "payloadType" in value:
        return str(_library("ed25519", "signing").identify(digest, value, keys(enrolled)))
    kind = value.get("mediaType") if isinstance(value, dict) else None
    if isinstance(kind, str) and kind.startswith(_SIGSTORE):
        return str(_library("keyless", "sigstore").identify(digest, line))
    raise DataError("a signature is of an unknown kind")


def keys(enrolled: bytes | None) -> Mapping[str, Mapping[str, Any]]:
    """Return the keys that signers.json enrols, by id; empty for None. Raise DataError if the file is damaged."""
    if enrolled is None:
        return {}
    try:
        value = orjson.loads(enrolled)
    except orjson.JSONDecodeError as error:
        raise _damaged(str(error)) from error
    held = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(held, dict) or not all(isinstance(key, dict) for key in held.values()):
        raise _damaged("it holds no keys")
    return held


def _damaged(why: str) -> DataError:
    return DataError(f"signers.json is damaged: {why}", hint="restore it from the history")


def new_key(path: Path) -> bytes:
    """Make a private key at `path` that nobody else can read; return what a maintainer adds to signers.json.

    Raise UsageError if `path` exists, or if a library is missing.
    """
    if path.exists():
        raise UsageError(f"{path} exists already", hint="choose another name; a key is never overwritten")
    return to_json(_library("ed25519", "signing").new_key(path))


def sign(folder: Path, key: Path | None) -> bytes:
    """Return a signature over a run's evidence: by a key, else keyless, for which Sigstore asks who the user is."""
    return sign_statement(_evidence(folder), key)


def sign_statement(evidence: bytes, key: Path | None) -> bytes:
    """Return a signature over the bytes of a statement, by a key or keyless, as one line of JSON."""
    if key is not None:
        signed = _library("ed25519", "signing").sign(evidence, key)
    else:
        signed = _library("keyless", "sigstore").sign(evidence)
    return bytes(signed)


def attached(folder: Path, bundle: Path) -> bytes:
    """Return, as one line of JSON, a signature over a run's evidence that was made elsewhere.

    Raise DataError if it is not valid, or covers something else.
    """
    signature = read_whole(bundle, MOST_SIGNATURES)
    identify(sha256(_evidence(folder)), signature, None)
    return orjson.dumps(orjson.loads(signature))


def hand_in(folder: Path, line: bytes, hf_data: Path) -> str:
    """Put a run's row, its evidence and this signature into hf_data/, and return the row's id.

    The row need not be the best: a slower row is how the published one is reproduced. Raise DataError if the run has
    no row that names its evidence.
    """
    path = row_file(folder)
    row = None if path is None else read_rows(path)[0].row
    digest = evidence_of(row)
    if not isinstance(row, dict) or digest is None or digest != sha256(_evidence(folder)):
        raise DataError(
            f"{folder} holds no row that names its evidence", hint="measure it again, then sign it"
        )
    evidence_folder(hf_data)
    held = hf_data / signatures_path(digest)
    before = read_whole(held, MOST_BYTES) if held.exists() else b""
    write_whole(hf_data / bundle_path(digest), files.bundle(folder))
    write_whole(held, joined_signatures(before, line))
    write_whole(hf_data / f"{SIGNED}{row['entry_id']}.json", to_json([row]))
    return str(row["entry_id"])


def _evidence(folder: Path) -> bytes:
    return files.in_folder(folder)[EVIDENCE_FILE]


def _library(name: str, extra: str) -> ModuleType:
    """Return the module of this room that needs the packages of `extra`; it is imported only to sign or to check.

    Raise UsageError if one of the packages is missing.
    """
    try:
        return importlib.import_module(f"sagellm_benchmark.evidence.{name}")
    except ModuleNotFoundError as error:
        raise UsageError(
            f"signatures of this kind need a library that is not installed ({error.name})",
            hint=f"pip install 'isagellm-benchmark[{extra}]'",
        ) from error
