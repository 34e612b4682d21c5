"""Everything that can go wrong between a publisher and the Hub: the rows arrive once, or nothing has changed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from sagellm_benchmark.board.entry import MULTI, SINGLE
from sagellm_benchmark.board.folder import STANDING
from sagellm_benchmark.board.identity import Row
from sagellm_benchmark.errors import BenchmarkError, ConflictError, DataError, Exit, RemoteError
from sagellm_benchmark.files import to_json
from sagellm_benchmark.hub.dataset import Hub
from sagellm_benchmark.hub.publish import publish
from sagellm_benchmark.hub.rebuild import rebuild
from sagellm_benchmark.hub.retry import Pace
from sagellm_benchmark.hub.store import BEFORE_SUBMISSIONS
from tests.fakes.history import blob_id
from tests.fakes.hub_server import READER, REPO, WRITER, Fault, HubServer
from tests.fakes.rows import new_row, new_rows
from tests.hub.support import SEEDED, Clock, fates, given

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]


def rival(*rows: Row) -> dict[str, str]:
    return {SINGLE: to_json(list(rows)).decode(), MULTI: "[]\n"}


NOT_FOUND = {"X-Error-Code": "EntryNotFound"}

FAULTS: list[Callable[[], Fault]] = [
    lambda: Fault("commit", status=409, times=3),
    lambda: Fault("commit", status=412),
    lambda: Fault("commit", do="rival", files=rival(new_row(model__name="rival")), times=3),
    lambda: Fault("preupload", do="rival", files=rival(new_row(model__name="rival"))),
    lambda: Fault("commit", status=429),
    lambda: Fault("commit", status=429, headers={"Retry-After": "90"}),
    lambda: Fault("commit", status=503, times=2),
    lambda: Fault("commit", status=503, headers={"Retry-After": "90"}),
    lambda: Fault("preupload", status=429, headers={"Retry-After": "90"}),
    lambda: Fault("info", status=503, times=2),
    lambda: Fault("commit", status=500),
    lambda: Fault("commit", status=500, applied=True),
    lambda: Fault("commit", status=503, applied=True),
    lambda: Fault("commit", status=504, applied=True),
    lambda: Fault("commit", do="drop"),
    lambda: Fault("commit", do="drop", applied=True),
    lambda: Fault("commit", do="cut"),
    lambda: Fault("commit", do="corrupt"),
    lambda: Fault("commit", do="hang"),
    lambda: Fault("commit", do="hang", applied=True),
    lambda: Fault("commit", do="slow", seconds=0.3),
    lambda: Fault("info", do="stale", times=1, skip=0),
    lambda: Fault("info", do="stale", times=2),
    lambda: Fault("info", do="hang"),
    lambda: Fault("info", do="cut"),
    lambda: Fault("info", do="corrupt"),
    lambda: Fault("validate", status=502),
    lambda: Fault("validate", do="drop"),
    lambda: Fault("preupload", do="corrupt"),
    lambda: Fault("file", status=500),
    lambda: Fault("file", status=429, headers={"Retry-After": "30"}),
    lambda: Fault("file", status=404, headers=NOT_FOUND, path=SINGLE),
    lambda: Fault("paths", status=500),
    lambda: Fault("paths", status=404),
    lambda: Fault("file", do="corrupt"),
    lambda: Fault("file", do="cut"),
    lambda: Fault("file", do="corrupt", skip=2, times=1),
]


def name_of(make: Callable[[], Fault]) -> str:
    fault = make()
    words = [fault.on, fault.do, str(fault.status) if fault.do == "status" else ""]
    return "-".join(word for word in [*words, "applied" if fault.applied else "", *fault.headers] if word)


@pytest.mark.parametrize("make", FAULTS, ids=name_of)
def test_whatever_goes_wrong_the_rows_arrive_once_and_nothing_is_lost(
    server: HubServer, pace: Pace, clock: Clock, make: Callable[[], Fault]
) -> None:
    hub = Hub(REPO, endpoint=server.url, timeout_s=1.0)
    before = new_row(model__name="before")
    server.history.add({SINGLE: to_json([before]), MULTI: b"[]\n"}, "before")
    fault = make()
    server.faults.append(fault)
    rows = new_rows(3)
    result = publish(hub, given(*rows), pace=pace)
    assert fates(result) == ["added"] * 3
    assert fault.times == 0
    held = [row["entry_id"] for row in orjson.loads(server.history.head.files[SINGLE])]
    rivals = [new_row(model__name="rival")["entry_id"]] if fault.do == "rival" else []
    lost_to_rival = [] if fault.do == "rival" else [before["entry_id"]]  # the rival overwrote the board
    assert sorted(held) == sorted([*(row["entry_id"] for row in rows), *lost_to_rival, *rivals])
    assert sum("Publish" in commit.message for commit in server.history.commits) == 1
    if "Retry-After" in fault.headers:
        assert max(clock.slept) >= int(fault.headers["Retry-After"])


@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        (Fault("commit", status=412, times=-1), ConflictError, Exit.CONFLICT),
        (Fault("commit", status=409, times=-1), ConflictError, Exit.CONFLICT),
        (Fault("commit", status=429, times=-1), RemoteError, Exit.REMOTE),
        (Fault("commit", status=429, headers={"Retry-After": "3600"}), RemoteError, Exit.REMOTE),
        (Fault("commit", status=500, times=-1), RemoteError, Exit.REMOTE),
        (Fault("commit", do="drop", times=-1), RemoteError, Exit.REMOTE),
        (Fault("info", status=500, times=-1), RemoteError, Exit.REMOTE),
        (Fault("info", status=401, times=2), RemoteError, Exit.REMOTE),
        (Fault("commit", status=403), RemoteError, Exit.REMOTE),
        (Fault("preupload", status=401), RemoteError, Exit.REMOTE),
        (Fault("file", do="corrupt", times=-1), DataError, Exit.DATA),
        (Fault("file", status=404, times=-1), RemoteError, Exit.REMOTE),
        (Fault("file", status=404, times=-1, headers=NOT_FOUND, path=SINGLE), RemoteError, Exit.REMOTE),
    ],
    ids=lambda value: f"{value.on}-{value.do}-{value.status}" if isinstance(value, Fault) else "",
)
def test_what_does_not_get_better_ends_in_an_error_and_changes_nothing(
    server: HubServer, hub: Hub, pace: Pace, fault: Fault, error: type[Exception], code: Exit
) -> None:
    server.history.add({SINGLE: to_json([new_row()]), MULTI: b"[]\n"}, "before")
    before = server.history.head
    server.faults.append(fault)
    with pytest.raises(error) as caught:
        publish(hub, given(*new_rows(2)), pace=pace)
    assert type(caught.value).exit_code is code  # type: ignore[attr-defined]
    assert server.history.head is before


LIES: dict[str, Callable[[str], list[Fault]]] = {
    "the commit does not list it": lambda name: [Fault("paths", do="omit", omit=(name,))],
    "the folder does not list it": lambda name: [Fault("tree", do="omit", omit=(name,), times=9)],
    "it is not found when it is fetched": lambda name: [
        Fault("file", path=name, times=3, status=404, headers=NOT_FOUND)
    ],
    "neither listed nor found, once": lambda name: [
        Fault("paths", do="omit", omit=(name,)),
        Fault("file", path=name, status=404, headers=NOT_FOUND),
    ],
    "in no listing": lambda name: [
        Fault("paths", do="omit", omit=(name,), times=3),
        Fault("tree", do="omit", omit=(name,), times=3),
    ],
    "nowhere, as long as it is read": lambda name: [
        Fault("paths", do="omit", omit=(name,)),
        Fault("tree", do="omit", omit=(name,)),
        Fault("file", path=name, status=404, headers=NOT_FOUND),
    ],
    "HEAD says no and GET says yes": lambda name: [
        Fault("head", path=name, times=99, status=404, headers=NOT_FOUND)
    ],
    "the head is an older one": lambda name: [Fault("info", do="stale")],
    "paths cannot be asked for": lambda name: [
        Fault("paths", status=404, times=9),
        Fault("tree", do="omit", omit=(name,), times=2),
    ],
    "an empty listing": lambda name: [
        Fault("paths", do="body", body="[]"),
        Fault("tree", do="body", body="[]"),
    ],
    "an empty listing of no page": lambda name: [Fault("paths", do="body", body="")],
    "an empty body": lambda name: [Fault("file", do="body", path=name)],
    "an empty board": lambda name: [Fault("file", do="body", body="[]", path=name)],
    "an empty board with a hash": lambda name: [
        Fault(
            "file", do="body", body="[]\n", path=name, headers={"ETag": f'"{blob_id(b"[]" + bytes([10]))}"'}
        )
    ],
    "a redirect to an empty board": lambda name: [
        Fault(
            "file", do="redirect", path=name, headers={"Location": "/datasets/team/board/resolve/main/empty"}
        )
    ],
    "a redirect to nothing": lambda name: [
        Fault(
            "file", do="redirect", path=name, headers={"Location": "/datasets/team/board/resolve/main/none"}
        )
    ],
    "not found where files are taken": lambda name: [Fault("preupload", status=404, headers=NOT_FOUND)],
    "not held where files are taken": lambda name: [Fault("preupload", do="omit", omit=(name,))],
    "no such commit": lambda name: [
        Fault("paths", status=404, headers={"X-Error-Code": "RevisionNotFound"}, times=2)
    ],
    "no such dataset": lambda name: [Fault("info", status=404, headers={"X-Error-Code": "RepoNotFound"})],
}
"""What a Hub may say of a file, though it holds it."""


def tries_to_wipe(server: HubServer, pace: Pace, faults: list[Fault], old: list[Row]) -> dict[str, bytes]:
    """The files at the head after a publish of one row that ended well or with an error, whatever the Hub said."""
    server.faults += faults
    new = new_row(model__name="new")
    done = False
    with contextlib.suppress(BenchmarkError):
        publish(Hub(REPO, endpoint=server.url, timeout_s=5.0), given(new), pace=pace)
        done = True
    files = server.history.head.files
    held = {row["entry_id"] for row in orjson.loads(files[SINGLE])}
    assert held >= {row["entry_id"] for row in old}
    assert (new["entry_id"] in held) or not done
    return files


@dataclass(frozen=True, slots=True)
class Held:
    """A dataset that was published to, and the rows on its board."""

    files: dict[str, bytes]
    old: list[Row]
    both: Row


@pytest.fixture(scope="module")
def held() -> Held:
    """What two publishes leave, which no test changes."""
    old = new_rows(3)
    cluster = {
        "node_count": 2,
        **dict.fromkeys(("comm_backend", "topology_type", "interconnect", "topology"), "x"),
    }
    both = new_row(cluster=cluster, config_type="multi_node")
    with pytest.MonkeyPatch.context() as patch, HubServer() as server:
        patch.setenv("HF_TOKEN", WRITER)
        for rows in (old, [both]):
            publish(Hub(REPO, endpoint=server.url), given(*rows))
        return Held(server.history.head.files, old, both)


@pytest.mark.parametrize("name", [SINGLE, MULTI, "README.md", BEFORE_SUBMISSIONS, STANDING])
@pytest.mark.parametrize("lie", LIES)
def test_no_lie_about_a_file_wipes_what_was_published_before(
    server: HubServer, held: Held, pace: Pace, name: str, lie: str
) -> None:
    server.page = 2  # every listing comes in pages
    server.history.add(dict(held.files), "published")
    server.history.add({"README.md": b"# Ours\n", "empty": b"[]\n"}, "a person's card")
    before = server.history.head.files
    files = tries_to_wipe(server, pace, LIES[lie](name), held.old)
    assert orjson.loads(files[MULTI]) == [held.both]
    assert files["README.md"].endswith(b"# Ours\n")
    assert files[BEFORE_SUBMISSIONS] == before[BEFORE_SUBMISSIONS]
    assert orjson.loads(files[STANDING])["rows"].items() >= orjson.loads(before[STANDING])["rows"].items()


@pytest.mark.parametrize("lie", LIES)
def test_no_lie_about_the_board_wipes_it_on_the_very_first_publish(
    server: HubServer, pace: Pace, lie: str
) -> None:
    rows = orjson.loads((Path(__file__).parents[1] / "data" / "published_rows.json").read_bytes())
    server.history.add({SINGLE: to_json(rows), MULTI: b"[]\n", "empty": b"[]\n"}, "before")
    files = tries_to_wipe(server, pace, LIES[lie](SINGLE), rows)
    recorded = orjson.loads(files.get(BEFORE_SUBMISSIONS, b"[]"))
    assert len(recorded) in (0, 23)


def test_a_board_that_vanished_after_it_was_published_is_not_begun_anew(
    server: HubServer, hub: Hub, pace: Pace
) -> None:
    publish(hub, given(*new_rows(3)), pace=pace)
    server.history.add({SINGLE: None}, "deleted by hand")
    head = server.history.head
    with pytest.raises(DataError, match=f"{SINGLE} is missing"):
        publish(hub, given(new_row(model__name="new")), pace=pace)
    assert server.history.head is head


def test_a_reader_s_token_changes_nothing(
    server: HubServer, hub: Hub, pace: Pace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", READER)
    with pytest.raises(RemoteError, match="403"):
        publish(hub, given(new_row()), pace=pace)
    assert len(server.history.commits) == 1


def test_patience_ends(server: HubServer, hub: Hub, clock: Clock) -> None:
    server.faults.append(Fault("commit", status=503, times=-1, headers={"Retry-After": "100"}))
    pace = Pace(patience_s=350.0, sleep=clock.sleep, clock=lambda: clock.now, random=SEEDED)
    with pytest.raises(RemoteError, match="gave up after") as caught:
        publish(hub, given(new_row()), pace=pace)
    assert "it asks to wait" in (caught.value.hint or "")
    assert clock.now <= 350.0


def test_the_waits_grow_and_are_never_the_same(server: HubServer, hub: Hub, clock: Clock, pace: Pace) -> None:
    server.faults.append(Fault("commit", status=500, times=-1))
    with pytest.raises(RemoteError):
        publish(hub, given(new_row()), pace=pace)
    assert len(clock.slept) == 7
    assert len(set(clock.slept)) == 7
    assert clock.slept[-1] > clock.slept[0]


def test_a_rebuild_waits_for_a_busy_hub(server: HubServer, pace: Pace, clock: Clock) -> None:
    hub = Hub(REPO, endpoint=server.url, timeout_s=1.0)
    publish(hub, given(*new_rows(2)), pace=pace)
    server.faults.append(Fault("info", status=429, headers={"Retry-After": "30"}))
    assert rebuild(hub, pace).differences == ()
    assert max(clock.slept) >= 30


def test_each_wait_is_said_before_it_begins(server: HubServer, hub: Hub, clock: Clock) -> None:
    said: list[str] = []
    server.faults.append(Fault("commit", status=503, times=2, headers={"Retry-After": "30"}))
    pace = Pace(sleep=clock.sleep, clock=lambda: clock.now, random=SEEDED, say=said.append)
    publish(hub, given(new_row()), pace=pace)
    assert len(said) == len(clock.slept) == 2
    assert "HTTP 503; trying again in 30." in said[0]
    assert "(1 of 60)" in said[0]


@pytest.mark.parametrize(
    ("faults", "known"),
    [
        ([Fault("commit", status=412, times=-1)], True),
        ([Fault("preupload", status=403)], True),
        ([Fault("info", status=500, times=-1)], True),
        ([Fault("commit", status=500, applied=True), Fault("info", status=403, times=-1)], False),
        ([Fault("commit", status=500), Fault("commit", status=412, times=-1)], False),
    ],
)
def test_that_nothing_was_written_is_said_only_where_it_is_known(
    server: HubServer, hub: Hub, pace: Pace, faults: list[Fault], known: bool
) -> None:
    server.faults += faults
    if any(fault.applied for fault in faults):  # reading goes well until then
        server.faults[1].skip = 1
    with pytest.raises((RemoteError, ConflictError)) as caught:
        publish(hub, given(new_row()), pace=pace)
    assert ("nothing was written" in caught.value.message) is known
