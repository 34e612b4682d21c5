"""A load over several processes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from sagellm_benchmark.client import workers
from sagellm_benchmark.client.calibration import asking
from sagellm_benchmark.client.drive import drive
from sagellm_benchmark.client.process import Share
from sagellm_benchmark.client.sample import Sample
from sagellm_benchmark.client.terms import Limits, Order, Progress, Target
from sagellm_benchmark.errors import DataError, RemoteError, UsageError
from sagellm_benchmark.workload.schedule import Schedule
from sagellm_benchmark.workload.workloads import Turn
from tests.fakes.openai_server import FakeServer, Script, serving

pytestmark = pytest.mark.slow

SECRET = "sk-secret"


def spread(
    server: FakeServer, spool: Path, count: int | None, schedule: Schedule, processes: int = 2, turns: int = 1
) -> list[Sample]:
    """Drive a load with closures for conversations, which cannot be pickled as they are."""
    conversations = asking(3) if count is None else lambda index: (Turn(f"r{index}", 1, 3),) * turns
    target = Target(server.base_url, "m", "chat", SECRET)
    observed = drive(Order(conversations, count, schedule, target, Limits(), spool, processes=processes))
    samples = list(observed.samples())
    assert observed.elapsed_s >= max(sample.end_s for sample in samples)
    assert list(spool.iterdir()) == []
    return samples


def test_streams_and_conversations_are_dealt_out_with_one_clock(tmp_path: Path) -> None:
    with serving(Script(ttft_s=0.02, api_key=SECRET)) as server:
        samples = spread(server, tmp_path, 11, Schedule(concurrency=4), turns=2)
        assert server.connections == 4
        first_contents = {seen.body["messages"][0]["content"] for seen in server.requests}
    assert first_contents == {f"r{index}" for index in range(11)}
    assert sorted((sample.index, sample.turn) for sample in samples) == [
        (i, t) for i in range(11) for t in (0, 1)
    ]
    assert {sample.stream for sample in samples} == {0, 1, 2, 3}
    assert all(sample.ok for sample in samples)
    assert all(sample.stream % 2 == sample.index % 2 for sample in samples)
    assert [sample.end_s for sample in samples] == sorted(sample.end_s for sample in samples)
    assert 0 <= min(sample.start_s for sample in samples) < 0.5


def test_an_open_loop_is_dealt_out_too(tmp_path: Path) -> None:
    due = tuple(0.02 * position for position in range(20))
    with serving(Script(ttft_s=0.1)) as server:
        samples = spread(server, tmp_path, 20, Schedule(due_s=due))
    assert sorted(sample.index for sample in samples) == list(range(20))
    for sample in samples:
        assert sample.due_s == pytest.approx(0.02 * sample.index)
        assert 0 <= sample.start_s - (sample.due_s or 0) < 0.5


def test_a_timed_load_is_dealt_out_too(tmp_path: Path) -> None:
    with serving(Script(ttft_s=0.02)) as server:
        samples = spread(server, tmp_path, None, Schedule(concurrency=2, duration_s=0.3))
    assert {sample.index % 2 for sample in samples} == {0, 1}
    assert all(sample.ok for sample in samples)


def test_no_more_processes_are_started_than_there_is_work_for(tmp_path: Path) -> None:
    with serving() as server:
        assert len(spread(server, tmp_path, 5, Schedule(concurrency=1), processes=4)) == 5
        assert server.connections == 1


def test_progress_is_that_of_all_processes(tmp_path: Path) -> None:
    seen: list[Progress] = []
    with serving(Script(ttft_s=0.4)) as server:
        target = Target(server.base_url, "m", "chat")
        drive(
            Order(asking(1), 4, Schedule(concurrency=2), target, Limits(), tmp_path, processes=2), seen.append
        )
    assert seen
    assert {progress.total for progress in seen} == {4}
    assert seen[-1].done <= 4
    assert seen[-1].tokens >= seen[-1].done  # pieces, of which an answer without a pace may be one


def test_an_error_of_a_worker_is_the_loads_error(tmp_path: Path) -> None:
    with serving() as server:
        pass
    with pytest.raises(RemoteError, match="no connection to"):
        spread(server, tmp_path, 4, Schedule(concurrency=2))
    (tmp_path / "file").write_text("in the way")
    with serving() as server, pytest.raises(DataError, match="cannot write"):
        spread(server, tmp_path / "file", 4, Schedule(concurrency=2))


def test_conversations_that_cannot_be_sent_to_a_process_are_refused(tmp_path: Path) -> None:
    with serving() as server, pytest.raises(UsageError, match="another process") as refusal:
        drive(
            Order(
                lambda index: (Turn("a", 1, 1),),
                None,
                Schedule(concurrency=2, duration_s=1),
                Target(server.base_url, "m", "chat"),
                Limits(),
                tmp_path,
                processes=2,
            )
        )
    assert "one client process" in (refusal.value.hint or "")


def test_a_ramp_is_the_same_however_many_processes_share_it(tmp_path: Path) -> None:
    with serving(Script(ttft_s=1.0)) as server:
        samples = spread(server, tmp_path, 6, Schedule(concurrency=6, stagger_s=0.1))
    late = {sample.stream: sample.start_s - 0.1 * sample.stream for sample in samples}
    assert len(late) == 6
    assert min(late.values()) > -0.01  # a busy machine may be late, but nobody is early
    assert max(late.values()) < 0.5  # the ramp is over before the first answer


def test_a_process_that_is_frozen_before_the_load_ends_it_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "IDLE_S", 1.0)
    frozen: list[int] = []
    start = workers.started

    @contextmanager
    def with_one_frozen(shares: Sequence[Share]) -> Iterator[list[workers.Worker]]:
        with start(shares) as running:
            frozen.append(running[0].process.pid)
            os.kill(frozen[0], signal.SIGSTOP)
            yield running

    monkeypatch.setattr(workers, "started", with_one_frozen)
    with serving() as server, pytest.raises(RemoteError, match="did nothing for 1 s before the load") as lost:
        spread(server, tmp_path, 4, Schedule(concurrency=2))
    assert f"pid {frozen[0]}" in lost.value.message
    assert not psutil.pid_exists(frozen[0])
    assert server.requests == []
