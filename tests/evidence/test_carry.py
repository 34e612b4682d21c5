"""Evidence goes the way of its row: outputs/ → hf_data/ → git → the dataset, and out of git again."""

from __future__ import annotations

import json
import lzma
import os
import shutil
import tarfile
from pathlib import Path
from typing import Any

import orjson
import pytest

from sagellm_benchmark.board.proof import bundle_path, evidence_of
from sagellm_benchmark.errors import DataError, Exit
from sagellm_benchmark.evidence.bundle import pack, unpack
from sagellm_benchmark.evidence.verify import prove
from sagellm_benchmark.hub.bundles import bundles_in
from sagellm_benchmark.hub.cleanup import clean
from sagellm_benchmark.hub.directory import Directory
from sagellm_benchmark.hub.handed_in import rows_in
from sagellm_benchmark.hub.publish import publish
from tests import command
from tests.evidence.support import PUBLISHABLE, measured
from tests.fakes.team import Team, git

pytestmark = [pytest.mark.slow, pytest.mark.with_children]


@pytest.fixture(scope="module")
def aggregated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run that may be published, and hf_data/ made from it."""
    home = tmp_path_factory.mktemp("home")
    measured(home, *PUBLISHABLE)
    done = command.run("aggregate", "--offline", cwd=home)
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    return home


@pytest.fixture
def home(aggregated: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return Path(shutil.copytree(aggregated, tmp_path / "home", symlinks=True))


def only_row(home: Path) -> Any:
    (row,) = json.loads((home / "hf_data/leaderboard_single.json").read_text())
    return row


def bundle_of(home: Path) -> str:
    digest = evidence_of(only_row(home))
    assert digest is not None
    return bundle_path(digest)


def test_aggregate_brings_the_bundle_beside_the_board_and_a_second_time_changes_nothing(home: Path) -> None:
    path = home / "hf_data" / bundle_of(home)
    before = path.read_bytes()
    assert command.run("aggregate", "--offline", cwd=home).returncode == Exit.DONE
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_bundle_goes_when_no_row_names_it_any_more(home: Path) -> None:
    first = bundle_of(home)
    old = home / "hf_data/evidence" / f"{'0' * 64}.tar.xz"
    old.write_bytes(b"of a row that is here no longer")
    assert command.run("aggregate", "--offline", cwd=home).returncode == Exit.DONE
    assert [f"evidence/{one.name}" for one in old.parent.iterdir()] == [first]


@pytest.mark.parametrize("command_line", [("aggregate", "--offline"), ("submit", "--offline")])
def test_a_link_in_the_place_of_the_bundles_takes_no_file_elsewhere_away(
    home: Path, command_line: tuple[str, ...]
) -> None:
    elsewhere = Path(shutil.move(home / "hf_data/evidence", home / "elsewhere"))
    (elsewhere / f"{'0' * 64}.tar.xz").write_bytes(b"of somebody else")
    (elsewhere / "photos.tar.xz").write_bytes(b"of somebody else")
    held = sorted(elsewhere.iterdir())
    (home / "hf_data/evidence").symlink_to(elsewhere)
    done = command.run(*command_line, cwd=home)
    assert done.returncode == Exit.DATA, done.stdout + done.stderr
    assert "hf_data/evidence is a symbolic link" in done.stderr
    assert sorted(elsewhere.iterdir()) == held


def test_a_file_among_the_bundles_that_is_none_is_left_there(home: Path) -> None:
    other = home / "hf_data/evidence/photos.tar.xz"
    other.write_bytes(b"of somebody else")
    assert command.run("aggregate", "--offline", cwd=home).returncode == Exit.DONE
    assert other.exists()


def test_publish_keeps_the_bundle_in_the_same_commit_and_anybody_can_verify_by_the_id(home: Path) -> None:
    done = command.run("publish", "--to", "shared", cwd=home)
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    store = Directory(home / "shared")
    (record,) = store.log()
    assert bundle_of(home) in record.files
    standing = orjson.loads(store.read().files["standing.json"])["rows"][only_row(home)["entry_id"]]
    assert (standing["number"], standing["evidence"]["signers"]) == (1, [])
    done = command.run("verify", only_row(home)["entry_id"], "--to", "shared", cwd=home)
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    again = command.run("publish", "--to", "shared", cwd=home)
    assert (again.returncode, len(store.log())) == (Exit.DONE, 1)


def test_a_row_that_does_not_follow_from_its_bundle_is_refused_and_nothing_is_sent(home: Path) -> None:
    path = home / "hf_data" / bundle_of(home)
    files = unpack(path.read_bytes())
    lines = files["public/requests.jsonl"].splitlines(keepends=True)
    path.write_bytes(pack({**files, "public/requests.jsonl": b"".join(lines[1:])}))
    done = command.run("publish", "--to", "shared", cwd=home)
    assert done.returncode == Exit.DATA
    assert "does not follow from its evidence" in done.stderr
    assert not (home / "shared").exists()


def test_a_row_without_its_bundle_is_a_claim_and_published_as_ever(home: Path) -> None:
    shutil.rmtree(home / "hf_data/evidence")
    assert command.run("publish", "--to", "shared", cwd=home).returncode == Exit.DONE
    done = command.run("verify", only_row(home)["entry_id"], "--to", "shared", cwd=home)
    assert (done.returncode, "holds no evidence" in done.stderr) == (Exit.DATA, True)


@pytest.mark.parametrize("by_publish_of", ["the checkout", "what others pushed"])
def test_clean_takes_the_bundle_out_of_git_with_its_row(
    home: Path, tmp_path: Path, by_publish_of: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    team = Team(tmp_path)
    clone, other = team.clone("a"), team.clone("b")
    shutil.copytree(home / "hf_data", clone / "hf_data", dirs_exist_ok=True)
    git(clone, "add", "hf_data")
    git(clone, "commit", "-m", "rows")
    git(clone, "push", "origin", "HEAD")
    store = Directory(tmp_path / "board")
    at = clone if by_publish_of == "the checkout" else other
    if at is clone:
        publish(store, rows_in(clone / "hf_data"), bundles=bundles_in(clone / "hf_data"), prove=prove)
    done = clean(at / "hf_data", store, agree=lambda _: True, prove=prove)
    assert done is not None
    assert f"hf_data/{bundle_of(home)}" in done.removed
    assert not [path for path in team.files() if "evidence" in path]
    assert store.paths("evidence", done.commit) == [bundle_of(home)]


@pytest.mark.parametrize("what", [b"", b"no xz", pack({"a": b"b"})[:-8]])
def test_what_is_no_bundle_is_said_to_be_none(what: bytes) -> None:
    with pytest.raises(DataError, match="bundle"):
        unpack(what)


def test_a_bundle_that_unpacks_to_more_than_is_allowed_is_refused_before_it_is_unpacked() -> None:
    with pytest.raises(DataError, match="larger than"):
        unpack(lzma.compress(bytes(70 << 20), preset=1))


def sparse(unpacked: int) -> bytes:
    """A tar of 1.5 KiB whose only file claims to be this many bytes of nothing (GNU's old form of sparse files)."""
    head = bytearray(tarfile.TarInfo("evidence.json").tobuf(tarfile.GNU_FORMAT))
    size = b"%011o\0" % unpacked
    head[156:157] = tarfile.GNUTYPE_SPARSE
    head[386:410] = size + b"%011o\0" % 0
    head[483:495] = size
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head) + bytes(1024)


def a_tar(size: bytes) -> bytes:
    """A tar whose only file's header states this size."""
    head = bytearray(tarfile.TarInfo("evidence.json").tobuf(tarfile.GNU_FORMAT))
    head[124:136] = size
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head) + bytes(1024)


@pytest.mark.parametrize(
    "tar",
    [sparse(8 << 30), a_tar(b"\x80" + b"\x7f" * 11)],
    ids=["a sparse file of 8 GiB", "a size of 88 bits"],
)
def test_a_bundle_whose_files_are_larger_than_it_is_refused_without_making_them(tar: bytes) -> None:
    with pytest.raises(DataError, match="bundle"):
        unpack(lzma.compress(tar))
