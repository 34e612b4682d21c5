"""Every simulated server is judged as what it is: the matrix of docs/validity.md."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.servers.case import Case
from tests.servers.matrix import CASES, Judged, confusion
from tests.servers.measured import measured_by, run
from tests.servers.sockets import client
from tests.servers.twins import TWINS, Twin

pytestmark = pytest.mark.no_cover

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}: {case.name}")
def test_a_server_is_judged_as_what_it_is_and_measured_as_it_was(case: Case) -> None:
    assert Judged.of(case).mistakes == ()


def test_the_matrix_has_servers_enough_of_every_kind() -> None:
    kinds = Counter(case.kind for case in CASES)
    assert len({case.name for case in CASES}) == len(CASES) >= 60
    assert min(kinds["honest"], kinds["lies"]) >= 40
    assert kinds["spoils"] >= 20
    assert kinds["beyond a client"] >= 5


@pytest.mark.parametrize("name", ["validity.md", "validity.zh-CN.md"])
def test_the_documentation_shows_the_matrix_of_these_servers(name: str) -> None:
    page = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert str(len(CASES)) in page
    for line in confusion([Judged.expected(case) for case in CASES]):
        assert f"\n{line}\n" in page


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.name)
def test_the_controlled_clock_says_of_a_server_what_is_expected(twin: Twin) -> None:
    verdict = run(twin.server(), twin.setting).verdict
    assert [words for words in twin.expected if not any(words in one for one in verdict.reasons)] == []
    assert verdict.valid == (not twin.expected)


@pytest.mark.waits
@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.name)
def test_a_real_clock_and_a_real_socket_say_the_same(twin: Twin, tmp_path: Path) -> None:
    server = twin.server()
    with client(server, twin.setting, tmp_path) as drive:
        reasons = measured_by(drive, server, twin.setting).verdict.reasons
    assert [words for words in twin.expected if not any(words in one for one in reasons)] == []
    assert twin.expected or not [one for one in reasons if one.startswith("answers")]
