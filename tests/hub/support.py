"""What the tests of publishing share."""

from __future__ import annotations

import random

import orjson

from sagellm_benchmark.board.entry import MULTI, SINGLE
from sagellm_benchmark.board.identity import Row
from sagellm_benchmark.board.read import Found, Limits
from sagellm_benchmark.hub.handed_in import Source
from sagellm_benchmark.hub.publish import Published
from sagellm_benchmark.hub.store import Store

SEEDED = random.Random(1)  # noqa: S311 - jitter that repeats


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def given(*rows: Row) -> Source:
    def source(limits: Limits) -> list[Found]:
        return [Found("hf_data/leaderboard_single.json", at, row) for at, row in enumerate(rows)]

    return source


def fates(published: Published) -> list[str]:
    return [outcome.fate.value for outcome in published.outcomes]


def ids(store: Store) -> list[str]:
    files = store.read().files
    return sorted(row["entry_id"] for name in (SINGLE, MULTI) for row in orjson.loads(files.get(name, b"[]")))


def put(store: Store, files: dict[str, bytes]) -> None:
    store.commit(files, store.read(()).commit, "by another tool")
