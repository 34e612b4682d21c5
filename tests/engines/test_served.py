"""A run is told where the engine is that a matrix holds for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sagellm_benchmark.engines import served
from sagellm_benchmark.engines.served import Served
from sagellm_benchmark.errors import UsageError


@pytest.mark.parametrize("log", ["/runs/server.log", "/a  folder\nof two lines/server.log"])
def test_what_is_told_on_one_line_is_understood(log: str) -> None:
    told = Served("http://127.0.0.1:8000", 7, Path(log))
    assert b"\n" not in told.told()
    assert served.of({served.VARIABLE: told.told().decode()}) == told


def test_a_run_that_is_told_nothing_starts_its_own() -> None:
    assert served.of({}) is None


@pytest.mark.parametrize("text", ["yes", "{}", "[1]", '{"url": "x", "pid": "y", "log": "z"}'])
def test_anything_else_in_its_place_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"SAGELLM_SERVED does not describe"):
        served.of({served.VARIABLE: text})
