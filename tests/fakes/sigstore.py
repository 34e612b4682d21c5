"""A Sigstore of our own: its certificate authority, its two logs, and what a keyless signature by it looks like.

The bundles are of version 0.3 (https://docs.sigstore.dev/about/bundle/), with all that a client checks offline: a
certificate that was good for ten minutes, the certificate log's receipt in it (RFC 6962), and the signature log's entry
with its promise, its proof of inclusion and its checkpoint. Only the root of trust is another than Sigstore's.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import struct
from functools import cached_property
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from sigstore.models import TrustedRoot
from sigstore.verify import Verifier
from sigstore_models.trustroot.v1 import TrustedRoot as TrustedRootMessage

ISSUER = "https://accounts.example"
SIGNED_AT = dt.datetime(2026, 11, 20, 12, 0, tzinfo=dt.UTC)
_GOOD_FOR = dt.timedelta(minutes=10)
_RECEIPTS = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")  # RFC 6962, 3.3
_ISSUED_BY = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")  # whose word the certificate authority took
_SHA256, _ECDSA = hashes.SHA256(), ec.ECDSA(hashes.SHA256())
_SIGNING_ONLY = {"digital_signature": True, "key_cert_sign": False, "crl_sign": False}
_ISSUING_ONLY = {"digital_signature": False, "key_cert_sign": True, "crl_sign": True}
_NEVER = dict.fromkeys(
    (
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "encipher_only",
        "decipher_only",
    ),
    False,
)


class LocalSigstore:
    """Vouches for whatever identity it is told, and verifies what it vouched for."""

    def __init__(self) -> None:
        self._root, self._receipts, self._log = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))

    @cached_property
    def verifier(self) -> Verifier:
        """Trusts this Sigstore and no other; asks nobody."""
        root = {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [_log_instance(self._log)],
            "ctlogs": [_log_instance(self._receipts)],
            "certificateAuthorities": [
                {
                    "subject": {"organization": "example", "commonName": "root"},
                    "certChain": {"certificates": [{"rawBytes": _text(_der(self._authority))}]},
                    "validFor": {"start": "2026-01-01T00:00:00Z"},
                }
            ],
        }
        return Verifier(trusted_root=TrustedRoot(TrustedRootMessage.from_json(json.dumps(root))))

    def sign(self, what: bytes, email: str, issuer: str = ISSUER) -> bytes:
        """Give the bundle of somebody with this address over these bytes, as one line of JSON."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self.certificate(key, email, issuer)
        signature = key.sign(what, _ECDSA)
        bundle = {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": _text(_der(certificate))},
                "tlogEntries": [self._entry(_entry_body(certificate, signature, what))],
            },
            "messageSignature": {
                "messageDigest": {"algorithm": "SHA2_256", "digest": _text(hashlib.sha256(what).digest())},
                "signature": _text(signature),
            },
        }
        return json.dumps(bundle).encode()

    @cached_property
    def _authority(self) -> x509.Certificate:
        return (
            _named("root", self._root, SIGNED_AT - dt.timedelta(days=300), dt.timedelta(days=3000))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.KeyUsage(**_ISSUING_ONLY, **_NEVER), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._root.public_key()), critical=False)
            .sign(self._root, _SHA256)
        )

    def certificate(self, key: Any, email: str, issuer: str) -> x509.Certificate:
        """Issue a certificate for the key, with the receipt of the log of certificates in it."""
        der_text = b"\x0c" + bytes([len(issuer)]) + issuer.encode()
        by = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._root.public_key())
        builder = (
            _named(None, key, SIGNED_AT, _GOOD_FOR)
            .add_extension(x509.KeyUsage(**_SIGNING_ONLY, **_NEVER), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(by, critical=False)
            .add_extension(x509.SubjectAlternativeName([x509.RFC822Name(email)]), critical=True)
            .add_extension(x509.UnrecognizedExtension(_ISSUED_BY, der_text), critical=False)
        )
        before = builder.sign(self._root, _SHA256).tbs_certificate_bytes
        receipt = x509.UnrecognizedExtension(_RECEIPTS, self._receipt(before))
        return builder.add_extension(receipt, critical=False).sign(self._root, _SHA256)

    def _receipt(self, certificate: bytes) -> bytes:
        """Give the list of one signed certificate timestamp (RFC 6962, 3.2 and 3.3), as a DER octet string."""
        at = int(SIGNED_AT.timestamp() * 1000)
        entry = _key_id(self._root) + len(certificate).to_bytes(3, "big") + certificate
        signature = self._receipts.sign(struct.pack("!BBQH", 0, 0, at, 1) + entry + b"\0\0", _ECDSA)
        one = struct.pack("!B32sQHBBH", 0, _key_id(self._receipts), at, 0, 4, 3, len(signature)) + signature
        listed = struct.pack("!HH", len(one) + 2, len(one)) + one
        return b"\x04" + bytes([len(listed)]) + listed

    def _entry(self, body: bytes) -> dict[str, Any]:
        """Give the entry of a log that holds nothing else, with what proves that it is in there."""
        leaf, at = hashlib.sha256(b"\0" + body).digest(), int(SIGNED_AT.timestamp())
        promised = {
            "body": _text(body),
            "integratedTime": at,
            "logID": _key_id(self._log).hex(),
            "logIndex": 0,
        }
        note = f"log.example - 1\n1\n{_text(leaf)}\n"
        checked = _text(_key_id(self._log)[:4] + self._log.sign(note.encode(), _ECDSA))
        return {
            "logIndex": "0",
            "logId": {"keyId": _text(_key_id(self._log))},
            "kindVersion": {"kind": "hashedrekord", "version": "0.0.1"},
            "integratedTime": str(at),
            "inclusionPromise": {"signedEntryTimestamp": _text(self._log.sign(_canonical(promised), _ECDSA))},
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": _text(leaf),
                "treeSize": "1",
                "hashes": [],
                "checkpoint": {"envelope": f"{note}\n\N{EM DASH} log.example {checked}\n"},
            },
            "canonicalizedBody": _text(body),
        }


def _entry_body(certificate: x509.Certificate, signature: bytes, what: bytes) -> bytes:
    """Say what the log of signatures keeps of one: the digest, the signature, and whose it is."""
    spec = {
        "data": {"hash": {"algorithm": "sha256", "value": hashlib.sha256(what).hexdigest()}},
        "signature": {
            "content": _text(signature),
            "publicKey": {"content": _text(certificate.public_bytes(Encoding.PEM))},
        },
    }
    return _canonical({"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": spec})


def _named(name: str | None, key: Any, start: dt.datetime, span: dt.timedelta) -> x509.CertificateBuilder:
    """Begin a certificate for the key, issued by the root."""
    subject = [] if name is None else [x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name(subject))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "root")]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + span)
    )


def _log_instance(key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    return {
        "baseUrl": "https://log.example",
        "hashAlgorithm": "SHA2_256",
        "publicKey": {
            "rawBytes": _text(_public(key)),
            "keyDetails": "PKIX_ECDSA_P256_SHA_256",
            "validFor": {"start": "2026-01-01T00:00:00Z"},
        },
        "logId": {"keyId": _text(_key_id(key))},
    }


def _public(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _key_id(key: ec.EllipticCurvePrivateKey) -> bytes:
    return hashlib.sha256(_public(key)).digest()


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def _canonical(value: dict[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
