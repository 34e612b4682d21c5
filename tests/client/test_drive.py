"""The whole client against a server of known behaviour, over real sockets."""

from __future__ import annotations

import gc
import signal
import socketserver
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from sagellm_benchmark.client.drive import drive
from sagellm_benchmark.client.sample import Failure, Sample
from sagellm_benchmark.client.terms import Limits, Observed, Order, Progress, Target
from sagellm_benchmark.engines.api import Api
from sagellm_benchmark.errors import DataError, RemoteError, UsageError
from sagellm_benchmark.workload.schedule import Schedule
from sagellm_benchmark.workload.workloads import Conversation, Turn
from tests.fakes.openai_server import FakeServer, Script, serving

pytestmark = pytest.mark.waits

KEY = "sk-very-secret"


def asking(tokens: int = 4, turns: int = 1) -> Any:
    """Conversations of `turns` turns, each of three words that ask for `tokens` tokens."""

    def conversation(index: int) -> Conversation:
        return tuple(Turn(f"r{index} turn {turn} ", 3, tokens) for turn in range(turns))

    return conversation


def observe(
    server: FakeServer,
    spool: Path,
    *,
    count: int | None = 4,
    schedule: Schedule | None = None,
    api: Api = "chat",
    limits: Limits | None = None,
    tokens: int = 4,
    turns: int = 1,
    **target: Any,
) -> tuple[Observed, list[Sample]]:
    observed = drive(
        Order(
            asking(tokens, turns),
            count,
            schedule or Schedule(concurrency=2),
            Target(server.base_url, server.script.model, api, **target),
            limits or Limits(),
            spool,
        )
    )
    return observed, list(observed.samples())


def only(server: FakeServer, spool: Path, **how: Any) -> Sample:
    _, (sample,) = observe(server, spool, count=1, **how)
    return sample


@pytest.mark.parametrize("api", ["chat", "completions"])
def test_every_request_is_answered_and_timed(api: Api, tmp_path: Path) -> None:
    with serving(Script(ttft_s=0.02, itl_s=0.005)) as server:
        observed, samples = observe(server, tmp_path, api=api)
    assert sorted(sample.index for sample in samples) == [0, 1, 2, 3]
    assert not observed.interrupted
    for sample in samples:
        assert sample.failure is None
        assert sample.text == "t0 t1 t2 t3 "
        assert (sample.prompt_tokens, sample.completion_tokens, sample.asked_output_tokens) == (3, 4, 4)
        assert sample.ttft_s is not None
        assert sample.ttft_s >= 0.02
        assert sample.start_s >= 0
        assert len(sample.event_s) == 4
        assert list(sample.event_s) == sorted(sample.event_s)
        assert sample.end_s >= sample.event_s[-1]


def test_what_is_reported_is_what_the_server_did(tmp_path: Path) -> None:
    with serving(Script(ttft_s=0.02, itl_s=0.01)) as server:
        observed, samples = observe(server, tmp_path, count=10, schedule=Schedule(concurrency=1))
        seen = list(server.requests)
    assert observed.started_at > 1_700_000_000
    spreads = []
    for sample, truth in zip(samples, seen, strict=True):
        gaps = [later - earlier for earlier, later in zip(sample.event_s, truth.sent_s, strict=True)]
        spreads.append(max(gaps) - min(gaps))
    assert min(spreads) < 0.02  # of one answer at least, however busy the machine is


def test_connections_are_kept_and_opened_before_the_clock_starts(tmp_path: Path) -> None:
    with serving() as server:
        observe(server, tmp_path, count=12, schedule=Schedule(concurrency=3))
        assert server.connections == 3


def test_a_server_that_closes_after_each_answer_gets_fresh_connections(tmp_path: Path) -> None:
    with serving(Script(keep_alive=False)) as server:
        _, samples = observe(server, tmp_path, count=6)
    assert [sample.failure for sample in samples] == [None] * 6


def test_a_kept_connection_that_the_server_had_closed_is_replaced_silently(tmp_path: Path) -> None:
    """The second request meets a connection that the server dropped without a word after the first answer."""
    with serving(Script(sequence=({"silent_close": True},))) as server:
        _, samples = observe(server, tmp_path, count=3, schedule=Schedule(concurrency=1))
        assert server.connections == 2
    assert [sample.failure for sample in samples] == [None] * 3


def test_the_body_asks_for_a_stream_with_usage_and_what_the_target_adds(tmp_path: Path) -> None:
    with serving() as server:
        only(server, tmp_path, extra={"ignore_eos": True, "temperature": 0})
        (seen,) = server.requests
    assert seen.body == {
        "model": "fake-model",
        "messages": [{"role": "user", "content": "r0 turn 0 "}],
        "max_tokens": 4,
        "stream": True,
        "stream_options": {"include_usage": True},
        "ignore_eos": True,
        "temperature": 0,
    }
    assert "accept-encoding" not in seen.headers


@pytest.mark.parametrize("api", ["chat", "completions"])
def test_a_conversation_carries_its_earlier_turns_and_answers(api: Api, tmp_path: Path) -> None:
    with serving(Script(reasoning=1)) as server:
        _, samples = observe(server, tmp_path, count=1, tokens=2, turns=3, api=api)
        last = server.requests[-1].body
    assert [sample.turn for sample in samples] == [0, 1, 2]
    assert [sample.asked_input_tokens for sample in samples] == [3, 8, 13]
    if api == "chat":
        assert [message["role"] for message in last["messages"]] == ["user", "assistant"] * 2 + ["user"]
        assert last["messages"][1]["content"] == "t1 "  # what was reasoned is not repeated
    else:
        assert last["prompt"] == "r0 turn 0 t0 t1 r0 turn 1 t0 t1 r0 turn 2 "


def test_a_conversation_ends_with_its_first_failed_turn(tmp_path: Path) -> None:
    with serving(Script(sequence=({}, {"status": 500}))) as server:
        _, samples = observe(server, tmp_path, count=1, turns=3)
    assert [sample.failure for sample in samples] == [None, Failure.HTTP]


def test_a_turn_that_said_nothing_ends_its_conversation(tmp_path: Path) -> None:
    with serving(Script(tokens=0)) as server:
        _, samples = observe(server, tmp_path, count=1, turns=3)
    assert [sample.failure for sample in samples] == [Failure.EMPTY]


@pytest.mark.parametrize(
    ("script", "failure", "detail"),
    [
        (Script(status=401), Failure.HTTP, "HTTP 401: no can do"),
        (Script(status=429), Failure.HTTP, "HTTP 429: no can do"),
        (Script(status=500, error_body="<h1>Oh</h1>"), Failure.HTTP, "HTTP 500: Oh"),
        (Script(apis=("completions",)), Failure.HTTP, "HTTP 404: Not Found"),
        (Script(ending="cut"), Failure.CUT_OFF, "closed the connection"),
        (Script(ending="reset"), Failure.CUT_OFF, "closed the connection"),
        (Script(ending="no_finish"), Failure.CUT_OFF, "without [DONE]"),
        (Script(ending="error"), Failure.SERVER, "the engine fell over"),
        (Script(ending="garbage"), Failure.MALFORMED, "not JSON"),
        (Script(tokens=0), Failure.EMPTY, "no content"),
        (Script(tokens=3), Failure.SHORT, "3 tokens where 4 were asked for"),
        (Script(llm=False), Failure.MALFORMED, "It works!"),
    ],
    ids=lambda value: value.value if isinstance(value, Failure) else "",
)
def test_each_misbehaviour_is_told_by_its_name(
    script: Script, failure: Failure, detail: str, tmp_path: Path
) -> None:
    with serving(script) as server:
        sample = only(server, tmp_path)
    assert sample.failure is failure
    assert detail in (sample.detail or "")
    assert not sample.ok


@pytest.mark.parametrize(
    "script",
    [
        Script(newline="\r\n", comments=True),
        Script(write_bytes=1, word="字{}é"),
        Script(events_per_write=3),
        Script(framing="close"),
        Script(framing="length"),
        Script(ending="no_done"),
        Script(tokens_per_event=2),
        Script(reasoning=2),
        Script(tool_call=True),
    ],
    ids=["crlf", "split", "joined", "close", "length", "no_done", "grouped", "reasoning", "tool"],
)
def test_every_way_to_stream_is_understood(script: Script, tmp_path: Path) -> None:
    with serving(script) as server:
        sample = only(server, tmp_path)
    assert sample.failure is None, sample.detail
    assert sample.text == "".join(script.word.format(i) + " " for i in range(4))
    assert sample.completion_tokens == 4
    assert len(sample.event_s) == 4 // script.tokens_per_event


def test_an_answer_that_is_not_streamed_is_one_event(tmp_path: Path) -> None:
    with serving(Script(stream=False)) as server:
        sample = only(server, tmp_path)
    assert sample.ok
    assert sample.event_s == (sample.end_s,)


def test_a_server_that_sends_no_usage_leaves_the_counts_unmeasured(tmp_path: Path) -> None:
    with serving(Script(usage=False)) as server:
        sample = only(server, tmp_path)
    assert sample.ok
    assert (sample.prompt_tokens, sample.completion_tokens, sample.cached_tokens) == (None, None, None)


def test_cached_tokens_are_noted(tmp_path: Path) -> None:
    with serving(Script(cached_tokens=2)) as server:
        assert only(server, tmp_path).cached_tokens == 2


def test_a_short_answer_is_fine_where_the_server_may_stop_early(tmp_path: Path) -> None:
    with serving(Script(tokens=3)) as server:
        sample = only(server, tmp_path, exact_output=False)
    assert sample.ok
    assert sample.finish_reason == "stop"


def test_a_stalled_answer_times_out_and_keeps_what_had_come(tmp_path: Path) -> None:
    with serving(Script(ending="stall")) as server:
        sample = only(server, tmp_path, limits=Limits(request_s=0.3))
    assert sample.failure is Failure.TIMEOUT
    assert sample.text == "t0 t1 "
    assert sample.end_s - sample.start_s >= 0.29


def test_the_key_goes_to_the_server_and_nowhere_else(tmp_path: Path) -> None:
    with serving(Script(api_key="another")) as server:
        refused = only(server, tmp_path, api_key=KEY)
    assert refused.failure is Failure.HTTP
    assert refused.detail == "HTTP 401: Incorrect API key provided: ***"
    with serving(Script(api_key=KEY)) as server:
        assert only(server, tmp_path, api_key=KEY).ok
    assert KEY not in repr(Target("http://localhost", "m", "chat", KEY))


@pytest.mark.parametrize("key", ["two words", "new\nline", "umläut"])
def test_a_key_that_could_forge_headers_is_refused_without_showing_it(key: str, tmp_path: Path) -> None:
    with serving() as server, pytest.raises(UsageError) as refusal:
        only(server, tmp_path, api_key=key)
    assert key not in refusal.value.message


def test_ipv6_is_spoken(tmp_path: Path) -> None:
    with serving(host="::1") as server:
        assert only(server, tmp_path).ok
        assert server.requests[0].headers["host"].startswith("[::1]:")


def test_a_proxy_in_the_environment_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with serving() as server:
        assert only(server, tmp_path).ok


def test_a_server_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    with serving() as server:
        pass
    with pytest.raises(RemoteError, match="no connection to 127"):
        only(server, tmp_path)


def test_a_host_that_does_not_exist_is_said_at_once(tmp_path: Path) -> None:
    target = Target("http://no-such-host.invalid:8000", "m", "chat")
    with pytest.raises(RemoteError, match=r"no-such-host\.invalid"):
        drive(Order(asking(), 1, Schedule(concurrency=1), target, Limits(connect_s=5), tmp_path))


def test_a_server_that_goes_away_leaves_failures_not_an_error(tmp_path: Path) -> None:
    with serving(Script(keep_alive=False, ttft_s=0.05)) as server:
        server.stop_after = 2
        _, samples = observe(server, tmp_path, count=4, schedule=Schedule(concurrency=1))
    assert [sample.failure for sample in samples] == [None, None, Failure.CONNECT, Failure.CONNECT]
    assert "no connection" in (samples[-1].detail or "")


def test_a_duration_starts_nothing_new_after_it(tmp_path: Path) -> None:
    with serving(Script(ttft_s=0.02)) as server:
        observed, samples = observe(
            server, tmp_path, count=None, schedule=Schedule(concurrency=3, duration_s=0.4)
        )
    assert len(samples) > 10
    assert all(sample.ok for sample in samples)
    assert max(sample.start_s for sample in samples) <= 0.45
    assert not observed.interrupted


def test_a_conversation_that_began_in_time_is_finished(tmp_path: Path) -> None:
    with serving(Script(ttft_s=0.1)) as server:
        _, samples = observe(
            server, tmp_path, count=None, turns=3, schedule=Schedule(concurrency=1, duration_s=0.15)
        )
    assert [(sample.index, sample.turn) for sample in samples] == [(0, 0), (0, 1), (0, 2)]


def test_failures_in_a_timed_load_do_not_become_a_flood(tmp_path: Path) -> None:
    with serving(Script(status=500)) as server:
        _, samples = observe(server, tmp_path, count=None, schedule=Schedule(concurrency=1, duration_s=0.35))
    assert 1 <= len(samples) <= 5


def test_a_stagger_sets_the_first_requests_apart(tmp_path: Path) -> None:
    with serving(Script(ttft_s=0.3)) as server:
        _, samples = observe(server, tmp_path, count=4, schedule=Schedule(concurrency=4, stagger_s=0.05))
    starts = sorted(sample.start_s for sample in samples)
    for position, start in enumerate(starts):
        assert 0.05 * position <= start
    assert starts[-1] < starts[0] + 0.3  # nobody waited for an answer


def test_an_open_loop_never_waits_for_answers(tmp_path: Path) -> None:
    with serving(Script(ttft_s=0.5)) as server:
        due = tuple(0.02 * position for position in range(10))
        observed, samples = observe(server, tmp_path, count=10, schedule=Schedule(due_s=due))
    assert len(samples) == 10
    assert observed.elapsed_s < 2
    for sample in samples:
        assert sample.due_s == pytest.approx(0.02 * sample.index)
        assert 0 <= sample.start_s - (sample.due_s or 0) < 0.4


def test_an_open_loop_ends_with_its_duration(tmp_path: Path) -> None:
    due = tuple(0.1 * position for position in range(10))
    with serving() as server:
        _, samples = observe(server, tmp_path, count=None, schedule=Schedule(due_s=due, duration_s=0.25))
    assert sorted(sample.index for sample in samples) == [0, 1, 2]


def test_an_open_loop_uses_a_connection_again(tmp_path: Path) -> None:
    due = tuple(0.05 * position for position in range(20))
    with serving() as server:
        _, samples = observe(server, tmp_path, count=20, schedule=Schedule(due_s=due))
        assert server.connections < 12
        assert {sample.stream for sample in samples} <= set(range(server.connections))


def test_an_open_loops_later_turns_are_due_when_the_answer_before_is_there(tmp_path: Path) -> None:
    with serving(Script(ttft_s=0.05)) as server:
        _, samples = observe(server, tmp_path, count=1, turns=2, schedule=Schedule(due_s=(0.0,)))
    assert samples[1].due_s == pytest.approx(samples[0].end_s)


def test_progress_is_reported_now_and_then(tmp_path: Path) -> None:
    seen: list[Progress] = []
    with serving(Script(ttft_s=0.4)) as server:
        drive(
            Order(
                asking(turns=2),
                2,
                Schedule(concurrency=2),
                Target(server.base_url, "m", "chat"),
                Limits(),
                tmp_path,
            ),
            seen.append,
        )
    assert 1 <= len(seen) <= 5
    assert seen[0].total == 4
    assert seen[0].done == 0
    assert seen[-1].done == 2
    assert seen[-1].tokens in range(
        8, 12
    )  # what two answers asked for, and no more of those in flight than there is


def test_the_total_time_ends_a_load_and_keeps_what_is_finished(tmp_path: Path) -> None:
    with serving(Script(sequence=({}, {"ending": "stall"}))) as server:
        observed, samples = observe(
            server, tmp_path, count=9, schedule=Schedule(concurrency=1), limits=Limits(total_s=1.0)
        )
    assert observed.interrupted
    assert [sample.failure for sample in samples] == [None, Failure.INTERRUPTED]
    assert samples[1].text == "t0 t1 "


def test_a_load_can_be_driven_from_another_thread(tmp_path: Path) -> None:
    results: list[Sample] = []
    with serving() as server:
        thread = threading.Thread(target=lambda: results.append(only(server, tmp_path)))
        thread.start()
        thread.join()
    assert results[0].ok


def test_the_spool_is_gone_when_the_samples_have_been_read(tmp_path: Path) -> None:
    with serving() as server:
        only(server, tmp_path / "spool")
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_spool_that_cannot_be_written_is_an_error_of_data(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with serving() as server, pytest.raises(DataError, match="cannot write"):
        only(server, tmp_path / "file")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
def test_a_full_disk_ends_the_load_with_an_error_of_data(tmp_path: Path) -> None:
    (tmp_path / "exchanges.spool").symlink_to("/dev/full")
    with serving(Script(tokens=64)) as server, pytest.raises(DataError, match="No space left"):
        observe(server, tmp_path, count=200)


def test_a_load_needs_streams_and_an_end(tmp_path: Path) -> None:
    with serving() as server:
        for count, schedule in (
            (1, Schedule()),
            (1, Schedule(concurrency=0)),
            (None, Schedule(concurrency=1)),
        ):
            with pytest.raises(UsageError):
                observe(server, tmp_path, count=count, schedule=schedule)


def test_the_clients_own_health_is_measured(tmp_path: Path) -> None:
    with serving(Script(ttft_s=0.1)) as server:
        observed, _ = observe(server, tmp_path, count=1)
    health = observed.health
    assert health.cpu_s is not None
    assert health.loop_lag_p99_s is None  # too few wake-ups to say
    assert health.loop_lag_max_s is not None
    assert health.loop_lag_max_s >= 0
    assert 0 < (health.cpu_share or 0) < 2


def test_a_fault_in_the_conversations_is_not_swallowed(tmp_path: Path) -> None:
    def broken(index: int) -> Conversation:
        if index:
            raise LookupError("a mistake of ours")
        return (Turn("a", 1, 1),)

    with serving() as server, pytest.raises(LookupError):
        drive(
            Order(
                broken, 3, Schedule(concurrency=1), Target(server.base_url, "m", "chat"), Limits(), tmp_path
            )
        )


def test_garbage_collection_and_signals_are_as_before(tmp_path: Path) -> None:
    before = (gc.isenabled(), signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))
    with serving() as server:
        only(server, tmp_path)
    assert (gc.isenabled(), signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


class Dropping(socketserver.BaseRequestHandler):
    """Answers the first request of a connection, keeps the next for a while, and closes without a byte."""

    def handle(self) -> None:
        event = b'data: {"choices":[{"index":0,"text":"hello","finish_reason":"length"}]}\n\ndata: [DONE]\n\n'
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n" % len(
            event
        )
        self.request.recv(65536)
        self.request.sendall(head + event)
        self.request.recv(65536)
        time.sleep(0.3)


def test_a_request_that_a_server_drops_after_a_while_is_a_failure(tmp_path: Path) -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Dropping) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        target = Target(f"http://127.0.0.1:{server.server_address[1]}", "m", "completions")
        observed = drive(Order(asking(), 4, Schedule(concurrency=1), target, Limits(request_s=10), tmp_path))
        failures = [sample.failure for sample in observed.samples()]
        server.shutdown()
    assert failures == [None, Failure.CUT_OFF, None, Failure.CUT_OFF]


def test_ctrl_c_before_the_clock_starts_sends_nothing_of_an_open_loop(tmp_path: Path) -> None:
    def preparing(index: int) -> Conversation:
        if index == 5:
            signal.raise_signal(signal.SIGINT)
        return (Turn("hello", 1, 4),)

    with serving() as server:
        target = Target(server.base_url, "m", "completions")
        schedule = Schedule(due_s=tuple(0.05 * i for i in range(20)))
        observed = drive(Order(preparing, 20, schedule, target, Limits(), tmp_path))
        assert observed.interrupted
        assert list(observed.samples()) == []
        assert server.requests == []
