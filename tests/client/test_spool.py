"""Raw exchanges on disk."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

from sagellm_benchmark.client import spool
from sagellm_benchmark.client.connection import Exchange
from sagellm_benchmark.client.sample import Failure

EVENT = b'data: {"choices":[{"delta":{"content":"word "},"finish_reason":null}]}\n\n'
END = b"data: [DONE]\n\n"


def exchange(index: int = 0, events: int = 3) -> Exchange:
    """An exchange that began at 100 and whose events came at 101, 102, …"""
    log: list[float | bytes] = [100.5]  # the head alone
    for position in range(events):
        log += [101.0 + position, EVENT[:10], EVENT[10:]]
    log += [101.0 + events, END]
    return Exchange(
        index, 0, 7, 99.5, 5, events, start=100.0, end=101.0 + events, status=200, complete=True, log=log
    )


def test_what_is_written_is_read_in_order_on_the_runs_clock(tmp_path: Path) -> None:
    writer = spool.Spool(tmp_path / "spool")
    writer.write(exchange(4))
    writer.write(exchange(2, events=1))
    writer.close()
    first, second = spool.read(tmp_path / "spool", 90.0, exact_output=True, secret=None)
    assert (first.index, first.turn, first.stream, first.due_s, first.start_s) == (4, 0, 7, 9.5, 10.0)
    assert first.event_s == (11.0, 12.0, 13.0)
    assert (first.end_s, first.text, first.status, first.failure) == (14.0, "word word word ", 200, None)
    assert (first.asked_input_tokens, first.asked_output_tokens) == (5, 3)
    assert (second.index, second.text) == (2, "word ")


def test_an_exchange_without_an_answer_keeps_its_failure(tmp_path: Path) -> None:
    writer = spool.Spool(tmp_path / "spool")
    writer.write(
        Exchange(0, 0, 0, None, 1, 1, start=100.0, end=101.0, failure=Failure.CONNECT, detail="a sk-1 b\n")
    )
    writer.close()
    (sample,) = spool.read(tmp_path / "spool", 90.0, exact_output=True, secret="sk-1")
    assert (sample.failure, sample.detail, sample.event_s) == (Failure.CONNECT, "a *** b", ())


def test_what_an_error_says_explains_a_broken_connection(tmp_path: Path) -> None:
    broken = exchange()
    broken.complete, broken.failure, broken.detail = False, Failure.CUT_OFF, "closed"
    broken.log[-1] = b'data: {"error": {"message": "out of memory"}}\n\n'
    writer = spool.Spool(tmp_path / "spool")
    writer.write(broken)
    writer.close()
    (sample,) = spool.read(tmp_path / "spool", 90.0, exact_output=True, secret=None)
    assert (sample.failure, sample.detail) == (Failure.SERVER, "out of memory")


def test_memory_does_not_grow_with_the_number_of_exchanges(tmp_path: Path) -> None:
    """Five megabytes of exchanges are written and read in less than two."""
    writer = spool.Spool(tmp_path / "spool")
    large = exchange(events=400)
    tracemalloc.start()
    try:
        for _ in range(150):
            writer.write(large)
        writer.close()
        read_back = sum(1 for _ in spool.read(tmp_path / "spool", 90.0, exact_output=True, secret=None))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert read_back == 150
    assert (tmp_path / "spool").stat().st_size > 4_500_000
    assert peak < 2_000_000
