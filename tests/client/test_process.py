"""What one process of a load decides for itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from sagellm_benchmark.client import process
from sagellm_benchmark.client.calibration import asking
from sagellm_benchmark.client.process import MOST_WAITING, Share
from sagellm_benchmark.client.terms import Limits, Target
from sagellm_benchmark.workload.schedule import Schedule


@pytest.mark.parametrize(
    ("processors", "beside", "url", "waiting"),
    [
        (3, 0, "http://127.0.0.1:8000", 0),
        (2, 0, "http://127.0.0.1:8000", MOST_WAITING),
        (2, 0, "http://gpu-node:8000", 0),
        (1, 0, "http://gpu-node:8000", MOST_WAITING),
        (4, 3, "http://gpu-node:8000", MOST_WAITING),
        (5, 3, "http://gpu-node:8000", 0),
    ],
)
def test_answers_are_decoded_beside_a_load_where_a_processor_is_left(
    processors: int, beside: int, url: str, waiting: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_processors", lambda: processors)
    target = Target(url, "m", "completions", exact_output=True)
    share = Share(asking(3), 1, Schedule(1), target, Limits(), Path("spool"), beside=beside)
    assert share.waiting == waiting
