"""Keyless signatures, made by a Sigstore of our own and checked offline, as those of Sigstore itself are."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given as given_any
from hypothesis import strategies as st

from sagellm_benchmark.board.agreement import Measured
from sagellm_benchmark.board.entry import Entry
from sagellm_benchmark.board.identity import Row
from sagellm_benchmark.board.standing import Proved, Standing
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.evidence import keyless, signing
from sagellm_benchmark.evidence.statement import sha256
from sagellm_benchmark.files import to_json
from sagellm_benchmark.hub.publish import publish
from sagellm_benchmark.hub.rebuild import rebuild
from sagellm_benchmark.hub.store import SIGNERS, Store
from sagellm_benchmark.hub.tombstones import statement, tombstone, tombstone_path, withdrawal
from sagellm_benchmark.hub.withdraw import withdraw
from tests.fakes.rows import new_row
from tests.fakes.sigstore import ISSUER, SIGNED_AT, LocalSigstore
from tests.hub.conftest import hub, server, store
from tests.hub.support import fates, given, ids, put

__all__ = ["hub", "server", "store"]  # fixtures

SIGSTORE, ELSEWHERE = LocalSigstore(), LocalSigstore()
MIA, REASON = "mia@example.org", "the clock of the GPU was not fixed"
pytestmark = pytest.mark.no_cover

WHO = f"{MIA} ({ISSUER})"
BY_MIA = to_json({"schema_version": 1, "keys": {}, "maintainers": [WHO]})
EVIDENCE = b'{"_type": "https://in-toto.io/Statement/v1"}'
SIGNED = SIGSTORE.sign(EVIDENCE, MIA)


def identify(digest: str, line: bytes, enrolled: bytes | None) -> str:
    """Whose a signature is, where the Sigstore that one trusts is ours."""
    del enrolled  # no key is
    return keyless.identify(digest, line, SIGSTORE.verifier)


def changed(bundle: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    value = orjson.loads(bundle)
    change(value)
    return orjson.dumps(value)


def flipped(data: str) -> str:
    """Base64 of the same bytes but for a bit in the middle."""
    raw = bytearray(base64.b64decode(data))
    raw[len(raw) // 2] ^= 1
    return base64.b64encode(raw).decode()


def entry_of(bundle: dict[str, Any]) -> dict[str, Any]:
    (entry,) = bundle["verificationMaterial"]["tlogEntries"]
    assert isinstance(entry, dict)
    return entry


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "the signature": lambda one: one["messageSignature"].update(
        signature=flipped(one["messageSignature"]["signature"])
    ),
    "the digest": lambda one: one["messageSignature"]["messageDigest"].update(
        digest=flipped(one["messageSignature"]["messageDigest"]["digest"])
    ),
    "the certificate": lambda one: one["verificationMaterial"]["certificate"].update(
        rawBytes=flipped(one["verificationMaterial"]["certificate"]["rawBytes"])
    ),
    "the log's entry": lambda one: entry_of(one).update(
        canonicalizedBody=flipped(entry_of(one)["canonicalizedBody"])
    ),
    "the log's promise": lambda one: entry_of(one)["inclusionPromise"].update(
        signedEntryTimestamp=flipped(entry_of(one)["inclusionPromise"]["signedEntryTimestamp"])
    ),
    "the log's root": lambda one: entry_of(one)["inclusionProof"].update(
        rootHash=flipped(entry_of(one)["inclusionProof"]["rootHash"])
    ),
    "the log's size": lambda one: entry_of(one)["inclusionProof"].update(treeSize="2"),
    "the time": lambda one: entry_of(one).update(
        integratedTime=str(int(entry_of(one)["integratedTime"]) + 1)
    ),
    "the time of day, with no promise": lambda one: entry_of(one).pop("inclusionPromise"),
}


def test_a_keyless_signature_names_who_signed_and_who_vouches_for_that() -> None:
    assert identify(sha256(EVIDENCE), SIGSTORE.sign(EVIDENCE, MIA), None) == WHO


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_byte_anywhere_in_a_keyless_signature_undoes_it(
    change: Callable[[dict[str, Any]], object],
) -> None:
    bundle = changed(SIGSTORE.sign(EVIDENCE, MIA), change)
    with pytest.raises(DataError, match="is not valid"):
        identify(sha256(EVIDENCE), bundle, None)


def test_another_s_certificate_does_not_make_a_signature_theirs() -> None:
    certificate = orjson.loads(SIGSTORE.sign(EVIDENCE, "ann@example.org"))["verificationMaterial"][
        "certificate"
    ]
    bundle = changed(
        SIGSTORE.sign(EVIDENCE, MIA), lambda one: one["verificationMaterial"].update(certificate=certificate)
    )
    with pytest.raises(DataError, match="is not valid"):
        identify(sha256(EVIDENCE), bundle, None)


def test_a_certificate_authority_that_nobody_trusts_vouches_for_nothing() -> None:
    for check in (identify, signing.identify):  # ours does not trust another, Sigstore does not trust ours
        with pytest.raises(DataError, match="is not valid"):
            check(sha256(EVIDENCE), ELSEWHERE.sign(EVIDENCE, MIA), None)


def strange(*extensions: x509.ExtensionType) -> bytes:
    """Give the DER bytes of a certificate that somebody made for themselves."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "me")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(SIGNED_AT)
    builder = builder.not_valid_after(SIGNED_AT + dt.timedelta(days=1))
    for one in extensions:
        builder = builder.add_extension(one, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def of_another_version(der: bytes) -> bytes:
    return der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x49", 1)


TWO_OF_A_KIND = strange(
    x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b""),
    x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.5"), b""),
).replace(bytes.fromhex("06032a0305"), bytes.fromhex("06032a0304"))


@pytest.mark.parametrize(
    "der",
    [strange(), of_another_version(strange()), TWO_OF_A_KIND, b"", b"\x30\x80"],
    ids=["without a use", "of version 74", "with an extension twice", "empty", "without an end"],
)
def test_a_certificate_of_any_shape_is_refused_and_stops_nothing(der: bytes) -> None:
    def change(bundle: dict[str, Any]) -> None:
        bundle["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.2"
        one = {"rawBytes": base64.b64encode(der).decode()}
        bundle["verificationMaterial"] = {
            **bundle["verificationMaterial"],
            "certificate": None,
            "x509CertificateChain": {"certificates": [one]},
        }

    with pytest.raises(DataError, match="is not valid"):
        identify(sha256(EVIDENCE), changed(SIGSTORE.sign(EVIDENCE, MIA), change), None)


PATHS = [
    ("mediaType",),
    ("verificationMaterial",),
    ("verificationMaterial", "certificate"),
    ("verificationMaterial", "certificate", "rawBytes"),
    ("verificationMaterial", "tlogEntries"),
    *(("verificationMaterial", "tlogEntries", 0, name) for name in entry_of(orjson.loads(SIGNED))),
    *(
        ("verificationMaterial", "tlogEntries", 0, "inclusionProof", name)
        for name in ("logIndex", "rootHash", "treeSize", "hashes", "checkpoint")
    ),
    ("messageSignature",),
    ("messageSignature", "signature"),
    ("messageSignature", "messageDigest", "digest"),
]
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=9), inner, max_size=2),
    max_leaves=4,
)


@st.composite
def spoilt(draw: st.DrawFn, data: str) -> str:
    """Base64 of the same bytes but for one to four of them."""
    raw = bytearray(base64.b64decode(data))
    for at in draw(st.lists(st.integers(0, len(raw) - 1), min_size=1, max_size=4)):
        raw[at] = draw(st.integers(0, 255))
    return base64.b64encode(raw).decode()


def _is_base64(text: str) -> bool:
    """Tell whether it is some; what was exchanged before may be anything."""
    return bool(
        re.fullmatch(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", text) and text
    )


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Give a good bundle, of either form, in which up to three values were exchanged."""
    bundle = orjson.loads(SIGNED)
    if draw(st.booleans()):
        payload = base64.b64encode(
            orjson.dumps(draw(ANYTHING | st.fixed_dictionaries({"subject": ANYTHING})))
        )
        signature = bundle.pop("messageSignature")["signature"]
        bundle["dsseEnvelope"] = {
            "payload": payload.decode(),
            "payloadType": "application/vnd.in-toto+json",
            "signatures": [{"sig": signature}],
        }
    for *parents, last in draw(st.lists(st.sampled_from(PATHS), max_size=3)):
        place: Any = bundle
        with contextlib.suppress(KeyError, IndexError, TypeError):  # what leads there was exchanged before
            for name in parents:
                place = place[name]
            held = place[last]
            is_data = isinstance(held, str) and last in (
                "rawBytes",
                "canonicalizedBody",
                "signature",
                "rootHash",
            )
            place[last] = draw(spoilt(held) | ANYTHING if is_data and _is_base64(held) else ANYTHING)
    return orjson.dumps(bundle)


@given_any(mutated())
def test_no_bundle_that_somebody_made_up_comes_out_as_anything_but_a_refusal(bundle: bytes) -> None:
    with contextlib.suppress(DataError):
        assert identify(sha256(EVIDENCE), bundle, None) == WHO


def test_brackets_without_end_are_refused() -> None:
    bundle = SIGNED.replace(
        b'"messageDigest"', b'"x": ' + b"[" * 100_000 + b"]" * 100_000 + b', "messageDigest"'
    )
    with pytest.raises(DataError):
        identify(sha256(EVIDENCE), bundle, None)


@pytest.mark.parametrize(
    "key",
    [ed25519.Ed25519PrivateKey.generate(), rsa.generate_private_key(65537, 2048)],
    ids=["edwards", "rsa"],
)
def test_a_key_of_another_kind_is_refused_before_it_is_used(key: Any) -> None:
    certificate = SIGSTORE.certificate(key, MIA, ISSUER).public_bytes(Encoding.DER)
    raw = base64.b64encode(certificate).decode()
    bundle = changed(SIGNED, lambda one: one["verificationMaterial"]["certificate"].update(rawBytes=raw))
    with pytest.raises(DataError, match="on no elliptic curve"):
        identify(sha256(EVIDENCE), bundle, None)


def test_a_mistake_of_ours_is_none_of_the_bundle_s() -> None:
    with pytest.raises(AttributeError):
        keyless.identify(sha256(EVIDENCE), SIGNED, object())  # type: ignore[arg-type]


@pytest.fixture
def rows(store: Store) -> tuple[Row, Row]:
    """A fast and a slow row of one configuration, both published, in a dataset whose maintainer signs keyless."""
    fast, slow = (new_row(metrics__throughput_tps=rate) for rate in (90.0, 80.0))
    publish(store, given(slow, fast))
    put(store, {SIGNERS: BY_MIA})
    return fast, slow


@pytest.mark.slow
def test_a_maintainer_withdraws_a_row_by_who_they_are(store: Store, rows: tuple[Row, Row]) -> None:
    fast, slow = rows
    done = withdraw(
        store, fast["entry_id"], REASON, sign=partial(SIGSTORE.sign, email=MIA), identify=identify
    )
    assert (done.withdrawal.by, ids(store)) == (WHO, [slow["entry_id"]])
    assert fates(publish(store, given(fast))) == ["withdrawn"]
    assert rebuild(store, identify=identify).differences == ()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("email", "issuer"), [("ann@example.org", ISSUER), (MIA, "https://other.example")], ids=["name", "issuer"]
)
def test_nobody_else_withdraws_it_nor_the_same_name_at_another_issuer(
    store: Store, rows: tuple[Row, Row], email: str, issuer: str
) -> None:
    before = store.read().files
    sign = partial(SIGSTORE.sign, email=email, issuer=issuer)
    with pytest.raises(DataError, match="neither signed the row nor is a maintainer"):
        withdraw(store, rows[0]["entry_id"], REASON, sign=sign, identify=identify)
    assert store.read().files == before


@pytest.mark.slow
def test_a_keyless_tombstone_that_somebody_changed_or_moved_has_no_effect(
    store: Store, rows: tuple[Row, Row]
) -> None:
    fast, slow = map(Entry.of, rows)
    said, about_slow = statement(fast, REASON), statement(slow, REASON)
    undone = changed(SIGSTORE.sign(said, MIA), CHANGES["the signature"])
    moved = SIGSTORE.sign(about_slow, MIA)
    lines = [tombstone(said, undone), tombstone(said, moved), tombstone(about_slow, moved)]
    put(store, {tombstone_path(fast): b"\n".join(lines)})
    assert ids(store) == [rows[0]["entry_id"]]
    found = rebuild(store, identify=identify)
    path = tombstone_path(fast)
    assert len(found.differences) == 3
    assert all(one.startswith(f"{path} has no effect: ") for one in found.differences)
    (board,) = orjson.loads(found.files["leaderboard_single.json"])
    assert board["entry_id"] == rows[0]["entry_id"]


def test_who_signed_a_row_s_evidence_keyless_may_take_it_back() -> None:
    entry = Entry.of(new_row())
    signed_by = Proved(
        Measured(80.0), frozenset({identify(sha256(EVIDENCE), SIGSTORE.sign(EVIDENCE, MIA), None)})
    )
    known = Standing().accepting([entry], (), {entry.entry_id: signed_by}, "")
    said = statement(entry, REASON)
    line = tombstone(said, SIGSTORE.sign(said, MIA))
    assert withdrawal(entry, line, known, None, identify).by == WHO
    with pytest.raises(DataError, match="neither signed the row"):
        withdrawal(entry, tombstone(said, SIGSTORE.sign(said, "eve@example.org")), known, None, identify)
