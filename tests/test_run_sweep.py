"""A sweep over a real socket, on a server that answers any number of requests as quickly as one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sagellm_benchmark.client.calibration import timed_server
from tests import command

pytestmark = [pytest.mark.waits, pytest.mark.no_cover]

TOKENS = 16
LOADS = (1, 2, 4, 8)


def test_a_linear_server_gives_each_load_of_a_sweep_throughput_in_proportion(tmp_path: Path) -> None:
    with timed_server(tmp_path / "log", ttft_s=0.02, itl_s=0.002) as url:
        done = command.run(
            *(
                "run",
                "--base-url",
                url,
                "--concurrency",
                ",".join(map(str, LOADS)),
                "--no-calibrate",
                "--json",
            ),
            *("--workload", "custom", "--input-tokens", "16", "--output-tokens", str(TOKENS)),
            cwd=tmp_path,
        )
    summaries = [one["summary"] for one in json.loads(done.stdout)]
    assert [one["requests"] >= 10 * streams for one, streams in zip(summaries, LOADS, strict=True)] == [
        True
    ] * 4
    for one, streams in zip(summaries, LOADS, strict=True):
        # Throughput × latency has no unit of time: a slow machine changes both, and not what it comes to.
        at_once = one["throughput_tps"] * one["e2e_ms"]["mean"] / 1e3 / TOKENS
        assert 0.8 * streams < at_once < 1.02 * streams
