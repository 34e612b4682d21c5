"""Signatures by the user's own key, for machines without a network: DSSE envelopes around evidence.json."""

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
_RAW_BYTES = 32  # of a public key


def identify(digest: str, envelope: Mapping[str, Any], enrolled: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the enrolled identity whose key signed this envelope around the evidence with this SHA-256.

    Raise DataError if the envelope or the key is damaged, if the envelope covers something else, or if its key is not
    enrolled.
    """
    payload, signatures = _bytes(envelope.get("payload")), envelope.get("signatures")
    if envelope.get("payloadType") != PAYLOAD_TYPE or hashlib.sha256(payload).hexdigest() != digest:
        raise DataError("a signature covers something other than this row's evidence")
    for signature in signatures if isinstance(signatures, list) else ():
        name = signature.get("keyid") if isinstance(signature, dict) else None
        key = enrolled.get(name) if isinstance(name, str) else None
        if key is not None and _holds(_public(key), _bytes(signature.get("sig")), payload):
            return _owner(key)
    raise DataError("a signature is not valid, or its key is not enrolled in signers.json")


def sign(evidence: bytes, path: Path) -> bytes:
    """Return the envelope around the evidence, signed by the key at `path`, as one line of JSON.

    Raise DataError if the file cannot be read, or is not an Ed25519 key without a password.
    """
    try:
        key = serialization.load_pem_private_key(read_whole(path, _MOST_KEY_BYTES), password=None)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{path} is not a private key without a password", hint="make one: sign --new-key FILE"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise DataError(f"{path} is not an Ed25519 key", hint="make one: sign --new-key FILE")
    signature = {"keyid": _id(key.public_key()), "sig": _base64(key.sign(_encoded(evidence)))}
    return orjson.dumps(
        {"payload": _base64(evidence), "payloadType": PAYLOAD_TYPE, "signatures": [signature]}
    )


def new_key(path: Path) -> dict[str, Any]:
    """Write a new private key that only its owner may read; return its public part, as signers.json holds it."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    return {_id(key.public_key()): {"identity": "YOUR NAME", "public_key": _base64(_raw(key.public_key()))}}


def _bytes(text: Any) -> bytes:
    try:
        return base64.b64decode(text if isinstance(text, str) else "!", validate=True)
    except ValueError as error:  # not base64, or not even ASCII
        raise DataError("a signature is damaged: what should be base64 is none") from error


def _public(key: Mapping[str, Any]) -> Ed25519PublicKey:
    """Return an enrolled key. Raise DataError if it is damaged, which is the dataset's fault."""
    raw = _bytes(key.get("public_key"))
    if len(raw) != _RAW_BYTES:
        raise DataError("a key in signers.json is damaged", hint="enrol it again: sign --new-key shows how")
    return Ed25519PublicKey.from_public_bytes(raw)


def _owner(key: Mapping[str, Any]) -> str:
    owner = key.get("identity")
    if not isinstance(owner, str) or not owner:
        raise DataError("a key in signers.json is nobody's", hint="say in it whose it is: `identity`")
    return owner


def _holds(public: Ed25519PublicKey, signature: bytes, payload: bytes) -> bool:
    try:
        public.verify(signature, _encoded(payload))
    except InvalidSignature:
        return False
    return True


def _encoded(payload: bytes) -> bytes:
    """Return DSSE's pre-authentication encoding, by which the signature covers the payload's type as well."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def _id(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(_raw(key)).hexdigest()


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
