"""The whole client against a server of known behaviour, over real sockets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sagellm_benchmark.bench.load import Limits, Observed, Progress, Target, drive
from sagellm_benchmark.bench.sample import Failure, Sample
from sagellm_benchmark.bench.schedule import Schedule
from sagellm_benchmark.bench.workload import Conversation, Turn
from sagellm_benchmark.engines.base import Api
from sagellm_benchmark.errors import RemoteError, UsageError
from tests.fakes.openai_server import FakeServer, Script, serving

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
        asking(tokens, turns),
        count,
        schedule or Schedule(concurrency=2),
        Target(server.base_url, server.script.model, api, **target),
        limits or Limits(),
        spool,
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
        observed, samples = observe(server, tmp_path, count=1)
        (seen,) = server.requests
    assert observed.started_at > 1_700_000_000
    gaps = [later - earlier for earlier, later in zip(samples[0].event_s, seen.sent_s, strict=True)]
    assert max(gaps) - min(gaps) < 0.02


def test_connections_are_kept_and_opened_before_the_clock_starts(tmp_path: Path) -> None:
    with serving() as server:
        observe(server, tmp_path, count=12, schedule=Schedule(concurrency=3))
        assert server.connections == 3


def test_a_server_that_closes_after_each_answer_gets_fresh_connections(tmp_path: Path) -> None:
    with serving(Script(keep_alive=False)) as server:
        _, samples = observe(server, tmp_path, count=6)
    assert [sample.failure for sample in samples] == [None] * 6
