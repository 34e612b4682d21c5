"""Signatures by an identity instead of a key: Sigstore bundles, checked against the library's trust root."""

from __future__ import annotations

import logging

import orjson
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.x509 import Certificate, ObjectIdentifier
from sigstore.errors import Error
from sigstore.hashes import Hashed
from sigstore.models import Bundle, ClientTrustConfig
from sigstore.oidc import IdentityToken, Issuer, detect_credential
from sigstore.sign import SigningContext
from sigstore.verify import Verifier
from sigstore_models.common.v1 import HashAlgorithm

from sagellm_benchmark.errors import DataError, RemoteError

_ISSUER = ObjectIdentifier("1.3.6.1.4.1.57264.1.8")  # a DER text
_OLD_ISSUER = ObjectIdentifier("1.3.6.1.4.1.57264.1.1")  # the bare text
_IN_TOTO = "application/vnd.in-toto+json"

_OF_HOSTILE_BUNDLES = (
    Error,  # everything that sigstore itself finds
    ValueError,  # from malformed base64, DER, JSON and numbers, which sigstore lets through
    x509.DuplicateExtension,
    x509.ExtensionNotFound,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
    UnsupportedAlgorithm,  # a certificate's key or signature of a kind that nobody knows
)
"""What the library can raise for a hostile bundle; anything else is a mistake of ours, and must show."""


class _Anybody:
    """A policy that accepts every identity, because all that we want to know is which one the certificate states."""

    def verify(self, cert: Certificate) -> None:
        """Accept every identity that the certificate authority has seen."""


def identify(digest: str, bundle: bytes, verifier: Verifier | None = None) -> str:
    """Return who signed a bundle over the evidence with this SHA-256, and who vouches for that identity.

    The entry of the transparency log is checked as the bundle holds it; nothing is fetched. Raise DataError if the
    signature is not valid, or covers something else.
    """
    logging.getLogger("sigstore").setLevel(logging.ERROR)  # it would warn that it is offline, which we want
    judge = verifier or Verifier.production(offline=True)
    try:
        signed = Bundle.from_json(bundle)
        _of_a_known_kind(signed.signing_certificate)
        if b'"dsseEnvelope"' in bundle:
            _is_about(digest, *judge.verify_dsse(signed, _Anybody()))
        else:
            content = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=bytes.fromhex(digest))
            judge.verify_artifact(content, signed, _Anybody())
        return _identity(signed.signing_certificate)
    except _OF_HOSTILE_BUNDLES as error:
        raise DataError(f"a Sigstore signature is not valid: {error}") from error


def sign(evidence: bytes) -> bytes:
    """Return a Sigstore bundle over the evidence, as one line of JSON.

    A browser, or a workflow's own token, proves the identity. Raise RemoteError if Sigstore does not sign.
    """
    try:
        config = ClientTrustConfig.production()
        raw = detect_credential()
        token = IdentityToken(raw) if raw else Issuer(config.signing_config.get_oidc_url()).identity_token()
        with SigningContext.from_trust_config(config).signer(token) as signer:
            return orjson.dumps(orjson.loads(signer.sign_artifact(evidence).to_json()))
    except (Error, OSError) as error:
        raise RemoteError(
            f"Sigstore did not sign: {error}",
            hint="without a network sign by a key that is enrolled: sign RUN --key FILE",
        ) from error


def _of_a_known_kind(certificate: Certificate) -> None:
    """Raise DataError unless the key is on an elliptic curve: sigstore would call a method that others do not have."""
    if not isinstance(certificate.public_key(), EllipticCurvePublicKey):
        raise DataError("a Sigstore signature is not valid: its key is on no elliptic curve")


def _is_about(digest: str, kind: str, payload: bytes) -> None:
    """Raise DataError unless one of a statement's subjects is the evidence with this SHA-256."""
    value = orjson.loads(payload) if kind == _IN_TOTO else {}
    subjects = value.get("subject") if isinstance(value, dict) else None
    named = (
        [one.get("digest") for one in subjects if isinstance(one, dict)] if isinstance(subjects, list) else []
    )
    if digest not in [one.get("sha256") for one in named if isinstance(one, dict)]:
        raise DataError("a Sigstore statement is about something other than this row's evidence")


def _identity(certificate: Certificate) -> str:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    for name in names:
        return f"{name.value} ({_issuer(certificate)})"
    raise DataError("a Sigstore signature is not valid: its certificate names nobody")


def _issuer(certificate: Certificate) -> str:
    for extension in certificate.extensions:
        if extension.oid == _ISSUER and isinstance(extension.value, x509.UnrecognizedExtension):
            return extension.value.value[2:].decode(errors="replace")  # after the tag and the length
        if extension.oid == _OLD_ISSUER and isinstance(extension.value, x509.UnrecognizedExtension):
            return extension.value.value.decode(errors="replace")
    return "nobody"
