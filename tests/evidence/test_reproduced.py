"""Who runs a published row again, signs and publishes it, reproduces it on the board where both agree, and not else."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from sagellm_benchmark.board.folder import STANDING
from sagellm_benchmark.board.standing import Tier
from sagellm_benchmark.board.standing_file import parse
from sagellm_benchmark.errors import Exit
from sagellm_benchmark.evidence import signing
from sagellm_benchmark.files import to_json
from sagellm_benchmark.hub.directory import Directory
from sagellm_benchmark.hub.store import SIGNERS
from tests import command
from tests.evidence.support import PUBLISHABLE, measured
from tests.fakes.openai_server import Script, serving
from tests.hub.support import put

pytestmark = pytest.mark.waits

SMALL = ("--workload", "custom", "--input-tokens", "20", "--output-tokens", "16", "-n", "3")
FAST = Script(ttft_s=0.4, itl_s=0.04, timetable=True)  # at a pace that a busy machine keeps
SLOW = Script(ttft_s=0.8, itl_s=0.08, timetable=True)


def replayed(home: Path, row: Path, script: Script) -> Path:
    """The folder of a row's own command, run again by somebody else on such hardware."""
    with serving(script) as server:
        done = command.run("replay", str(row), "--base-url", server.base_url, "--same-hardware", cwd=home)
    assert done.returncode in {Exit.DONE, Exit.INVALID_RUN}, done.stdout + done.stderr
    (evidence,) = home.glob("outputs/*/*/*_[0-9][0-9][0-9]/evidence.json")
    return evidence.parent


def signed_by(name: str, home: Path, script: Script, row: Path | None = None) -> str:
    """Measure in a folder of their own, or run a row again there, sign by their key, publish; the new row's id."""
    (home / name).mkdir()
    if row is None:
        run = measured(home / name, *PUBLISHABLE, *SMALL, script=script)
    else:
        run = replayed(home / name, row, script)
    done = command.run("sign", str(run), "--key", str(home / f"{name}.key"), cwd=home / name)
    assert done.returncode == Exit.DONE, done.stderr
    done = command.run("publish", "--to", str(home / "shared"), cwd=home / name)
    assert done.returncode == Exit.DONE, done.stderr
    (file,) = (home / name / "hf_data").glob("signed-*.json")
    return file.stem.removeprefix("signed-")


def tiers(home: Path) -> dict[str, Tier]:
    standing = parse(Directory(home / "shared").read([STANDING]).files[STANDING])
    return {row: standing.tier(row) for row in standing.facts}


@pytest.mark.with_children
@pytest.mark.parametrize(
    ("second", "tier"), [(FAST, Tier.REPRODUCED), (SLOW, Tier.ATTESTED)], ids=["agree", "differ"]
)
def test_what_somebody_else_replays_is_published_as_a_reproduction_where_they_agree(
    tmp_path: Path, second: Script, tier: Tier
) -> None:
    keys = {}
    for name in ("ann", "bob"):
        ((number, key),) = orjson.loads(signing.new_key(tmp_path / f"{name}.key")).items()
        keys[number] = {**key, "identity": name}
    put(Directory(tmp_path / "shared"), {SIGNERS: to_json({"schema_version": 1, "keys": keys})})
    first = signed_by("ann", tmp_path, FAST)
    assert tiers(tmp_path) == {first: Tier.ATTESTED}
    (published,) = (tmp_path / "shared/submissions").glob(f"*/{first}.json")
    other = signed_by("bob", tmp_path, second, published)
    assert tiers(tmp_path) == {first: tier, other: tier}
    done = command.run("rebuild", "--check", "--to", str(tmp_path / "shared"), cwd=tmp_path)
    assert done.returncode == Exit.DONE, done.stdout
