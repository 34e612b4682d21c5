"""Signatures bind a row's evidence to somebody; each kind is checked with nothing fetched."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path

import orjson
import pytest
from sigstore.verify import Verifier

from sagellm_benchmark.errors import DataError, Exit, UsageError
from sagellm_benchmark.evidence import ed25519, keyless, signing
from sagellm_benchmark.evidence.statement import sha256
from sagellm_benchmark.files import to_json
from sagellm_benchmark.hub.directory import Directory
from tests import command
from tests.evidence.support import PUBLISHABLE, measured

EVIDENCE = b'{"_type": "https://in-toto.io/Statement/v1"}'
DATA = Path(__file__).parents[1] / "data" / "signatures"
# What these two bundles of Sigstore's own test suite (Apache-2.0) were made over.
MESSAGE = "c4e92e9ecc828bef2aa7dba1de8ac983511f7532a0df11c770d39099a25cf201"
SUBJECT = "a0cfc71271d6e278e57cd332ff957c3f7043fdda354c4cbb190a30d56efa01bf"


def enrolled(*keys: tuple[Path, str]) -> bytes:
    """signers.json with the public parts of new keys at these paths."""
    found = {}
    for path, identity in keys:
        ((name, key),) = orjson.loads(signing.new_key(path)).items()
        found[name] = {**key, "identity": identity}
    return to_json({"schema_version": 1, "keys": found})


def test_a_signature_by_an_enrolled_key_names_its_owner(tmp_path: Path) -> None:
    signers = enrolled((tmp_path / "key", "ann"))
    line = ed25519.sign(EVIDENCE, tmp_path / "key")
    assert signing.identify(sha256(EVIDENCE), line, signers) == "ann"
    assert b"\n" not in line


def test_a_new_key_is_its_owner_s_alone_and_overwrites_none(tmp_path: Path) -> None:
    signing.new_key(tmp_path / "key")
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    with pytest.raises(UsageError, match="exists already"):
        signing.new_key(tmp_path / "key")


def test_a_signature_by_a_key_that_nobody_enrolled_counts_for_nothing(tmp_path: Path) -> None:
    enrolled((tmp_path / "key", "ann"))
    line = ed25519.sign(EVIDENCE, tmp_path / "key")
    for signers in (None, enrolled((tmp_path / "other", "bob"))):
        with pytest.raises(DataError, match="not enrolled in signers"):
            signing.identify(sha256(EVIDENCE), line, signers)


def test_a_signature_of_one_run_does_not_fit_another(tmp_path: Path) -> None:
    signers = enrolled((tmp_path / "key", "ann"))
    line = ed25519.sign(EVIDENCE, tmp_path / "key")
    with pytest.raises(DataError, match="something other"):
        signing.identify(sha256(b"another"), line, signers)


def test_a_signature_moved_to_other_evidence_does_not_hold(tmp_path: Path) -> None:
    signers = enrolled((tmp_path / "key", "ann"))
    envelope = orjson.loads(ed25519.sign(EVIDENCE, tmp_path / "key"))
    envelope["payload"] = base64.b64encode(b"another").decode()
    with pytest.raises(DataError, match="is not valid"):
        signing.identify(sha256(b"another"), orjson.dumps(envelope), signers)


SIGSTORE = b'{"mediaType": "application/vnd.dev.sigstore.bundle"}'


IN_TOTO = "application/vnd.in-toto+json"
NOTHING = {"payload": "", "payloadType": IN_TOTO}
NO_TEXTS: tuple[object, ...] = (1, None, [], "é", "=", "a")
NO_SIGNATURES: tuple[object, ...] = (1, None, {}, [1], [{}], [{"keyid": []}])
HOSTILE = [
    *(
        b"",
        b"[]",
        b"{}",
        b"1",
        b"null",
        b'"payloadType"',
        b'{"payloadType": 1}',
        b'{"mediaType": "x"}',
        SIGSTORE,
    ),
    *(orjson.dumps({**NOTHING, "payload": odd}) for odd in NO_TEXTS),
    *(orjson.dumps({**NOTHING, "signatures": odd}) for odd in NO_SIGNATURES),
    *(orjson.dumps({**NOTHING, "signatures": [{"keyid": "k", "sig": odd}]}) for odd in NO_TEXTS),
]
ONE_KEY = to_json({"keys": {"k": {"identity": "ann", "public_key": base64.b64encode(b"1" * 32).decode()}}})


@pytest.mark.parametrize("line", HOSTILE)
def test_no_line_is_a_signature_by_its_form_alone(line: bytes) -> None:
    for digest in ("0" * 64, sha256(b"")):
        with pytest.raises(DataError, match="signature"):
            signing.identify(digest, line, ONE_KEY)


@pytest.mark.parametrize("key", [{}, {"public_key": 1}, {"public_key": "eA=="}, {"public_key": None}])
def test_a_damaged_key_in_the_dataset_identifies_nobody(key: object) -> None:
    line = orjson.dumps({**NOTHING, "signatures": [{"keyid": "k", "sig": ""}]})
    with pytest.raises(DataError, match="damaged"):
        signing.identify(sha256(b""), line, to_json({"keys": {"k": key}}))


@pytest.mark.parametrize("signers", [b"", b"[]", b"1", b"{}", b'{"keys": 1}', b'{"keys": {"k": 1}}'])
def test_a_damaged_signers_file_is_said_to_be_damaged(signers: bytes) -> None:
    with pytest.raises(DataError, match=r"signers\.json is damaged"):
        signing.keys(signers)


def test_a_mistake_of_our_own_is_not_taken_for_a_bad_signature(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signers = enrolled((tmp_path / "key", "ann"))
    line = ed25519.sign(EVIDENCE, tmp_path / "key")
    monkeypatch.setattr(ed25519, "_encoded", lambda _: dict[str, bytes]()["missing"])
    with pytest.raises(KeyError, match="missing"):
        signing.identify(sha256(EVIDENCE), line, signers)


@pytest.mark.parametrize("line", [b"", b"[]", b"{}", b'{"payloadType": 1}', b'{"mediaType": "x"}', SIGSTORE])
def test_what_is_no_signature_is_refused(line: bytes) -> None:
    with pytest.raises(DataError, match="signature"):
        signing.identify("0" * 64, line, b'{"keys": {}}')


def test_a_file_that_is_no_json_is_attached_to_no_run(tmp_path: Path) -> None:
    for name in ("evidence.json", "config.json", "summary.json", "requests.jsonl", "signature"):
        (tmp_path / name).write_text("not JSON")
    with pytest.raises(DataError, match="a signature is damaged"):
        signing.attached(tmp_path, tmp_path / "signature")


def test_a_bundle_that_a_workflow_made_names_the_workflow() -> None:
    who = signing.identify(MESSAGE, (DATA / "message.sigstore.json").read_bytes(), None)
    assert who.startswith("https://github.com/")
    assert ".github/workflows/" in who
    assert who.endswith("(https://token.actions.githubusercontent.com)")


def test_a_bundle_over_other_bytes_does_not_hold() -> None:
    with pytest.raises(DataError, match="is not valid"):
        signing.identify("0" * 64, (DATA / "message.sigstore.json").read_bytes(), None)


def test_an_attestation_is_over_its_subjects() -> None:
    bundle, staging = (DATA / "dsse-staging.sigstore.json").read_bytes(), Verifier.staging(offline=True)
    assert keyless.identify(SUBJECT, bundle, staging).startswith("https://github.com/sigstore-conformance/")
    with pytest.raises(DataError, match="something other"):
        keyless.identify("0" * 64, bundle, staging)


def test_a_bundle_of_another_sigstore_is_not_trusted() -> None:
    with pytest.raises(DataError, match="is not valid"):
        signing.identify(SUBJECT, (DATA / "dsse-staging.sigstore.json").read_bytes(), None)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run that may be published, a dataset that enrols ann, and her key."""
    home = tmp_path_factory.mktemp("signed")
    measured(home, *PUBLISHABLE)
    store = Directory(home / "shared")
    store.commit({"signers.json": enrolled((home / "key", "ann"))}, store.read(()).commit, "enrol ann")
    return home


@pytest.mark.slow
def test_a_signed_run_is_attested_and_a_signature_that_does_not_hold_harms_nobody(home: Path) -> None:
    (run,) = (path.parent for path in home.glob("outputs/*/*/*_[0-9][0-9][0-9]/summary.json"))
    done = command.run("sign", str(run.relative_to(home)), "--key", "key", cwd=home)
    assert done.returncode == Exit.DONE, done.stderr
    (signatures,) = (home / "hf_data" / "evidence").glob("*.jsonl")
    signatures.write_bytes(
        signatures.read_bytes() + b'{"mediaType": "application/vnd.dev.sigstore.bundle"}\n'
    )
    assert command.run("publish", "--to", "shared", cwd=home).returncode == Exit.DATA
    done = command.run("publish", "--to", "shared", "--skip-invalid", cwd=home)
    assert (done.returncode, "left out: evidence/" in done.stdout) == (Exit.DONE, True)
    store = Directory(home / "shared")
    (fact,) = json.loads(store.read().files["standing.json"])["rows"].values()
    assert fact["evidence"]["signers"] == ["ann"]
    commit = store.read(()).commit or ""
    (path,) = (one for one in store.paths("evidence", commit) if one.endswith(".jsonl"))
    (line,) = store.read([path]).files[path].splitlines()
    assert signing.identify(signatures.stem, line, store.read().files["signers.json"]) == "ann"
    again = command.run("publish", "--to", "shared", "--skip-invalid", cwd=home)
    assert (again.returncode, store.read(()).commit) == (Exit.DONE, commit)


@pytest.mark.slow
def test_a_signature_over_something_else_is_attached_to_no_run(home: Path) -> None:
    (run,) = (path.parent for path in home.glob("outputs/*/*/*_[0-9][0-9][0-9]/summary.json"))
    before = sorted((home / "hf_data").rglob("*"))
    done = command.run("sign", str(run), "--attach", str(DATA / "message.sigstore.json"), cwd=home)
    assert (done.returncode, "is not valid" in done.stderr) == (Exit.DATA, True), done.stderr
    assert sorted((home / "hf_data").rglob("*")) == before
