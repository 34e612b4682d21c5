"""Signatures by a key of one's own, for machines without a network: DSSE envelopes around evidence.json."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sagellm_benchmark.board.read import read_whole
from sagellm_benchmark.errors import DataError

PAYLOAD_TYPE = "application/vnd.in-toto+json"
_MOST_KEY_BYTES = 4096


def identify(digest: str, envelope: Mapping[str, Any], enrolled: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the enrolled identity whose key signed this envelope around the evidence with this SHA-256."""
    payload, kind = base64.b64decode(envelope["payload"], validate=True), str(envelope["payloadType"])
    if kind != PAYLOAD_TYPE or hashlib.sha256(payload).hexdigest() != digest:
        raise DataError("a signature is over something else than this row's evidence")
    for signature in envelope["signatures"]:
        key = enrolled.get(str(signature["keyid"]))
        if key is not None and _holds(key, base64.b64decode(signature["sig"], validate=True), payload):
            return str(key["identity"])
    raise DataError("a signature is of no key that signers.json enrols, or does not hold")


def sign(evidence: bytes, path: Path) -> bytes:
    """Return the envelope, in one line. Raises DataError for what is no Ed25519 key."""
    try:
        key = serialization.load_pem_private_key(read_whole(path, _MOST_KEY_BYTES), password=None)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{path} is no key without a password", hint="make one: sign --new-key FILE"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise DataError(f"{path} is no Ed25519 key", hint="make one: sign --new-key FILE")
    signature = {"keyid": _id(key.public_key()), "sig": _base64(key.sign(_encoded(evidence)))}
    return orjson.dumps(
        {"payload": _base64(evidence), "payloadType": PAYLOAD_TYPE, "signatures": [signature]}
    )


def new_key(path: Path) -> dict[str, Any]:
    """Write a private key that only its owner may read; its public part, as signers.json holds it."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    return {_id(key.public_key()): {"identity": "YOUR NAME", "public_key": _base64(_raw(key.public_key()))}}


def _holds(key: Mapping[str, Any], signature: bytes, payload: bytes) -> bool:
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key["public_key"], validate=True))
    try:
        public.verify(signature, _encoded(payload))
    except InvalidSignature:
        return False
    return True


def _encoded(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: what is signed holds the type, too."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def _id(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(_raw(key)).hexdigest()


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
