"""Raw exchanges on disk."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from sagellm_benchmark.client import decoded, spool
from sagellm_benchmark.client.connection import Exchange
from sagellm_benchmark.client.sample import Failure, Sample
from sagellm_benchmark.errors import DataError

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


def read_back(segment: Path, secret: str | None = None) -> Iterator[Sample]:
    (done,) = decoded.decode([segment], spool.Reading(exact_output=True, secret=secret))
    return decoded.read(done, decoded.RunClock(90.0))


def test_what_is_written_is_read_in_order_on_the_runs_clock(tmp_path: Path) -> None:
    writer = spool.Spool(tmp_path / "spool")
    writer.write(exchange(4))
    writer.write(exchange(2, events=1))
    writer.close()
    first, second = read_back(tmp_path / "spool")
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
    (sample,) = read_back(tmp_path / "spool", "sk-1")
    assert (sample.failure, sample.detail, sample.event_s) == (Failure.CONNECT, "a *** b", ())


def test_what_an_error_says_explains_a_broken_connection(tmp_path: Path) -> None:
    broken = exchange()
    broken.complete, broken.failure, broken.detail = False, Failure.CUT_OFF, "closed"
    broken.log[-1] = b'data: {"error": {"message": "out of memory"}}\n\n'
    writer = spool.Spool(tmp_path / "spool")
    writer.write(broken)
    writer.close()
    (sample,) = read_back(tmp_path / "spool")
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
        size = (tmp_path / "spool").stat().st_size
        count = sum(1 for _ in read_back(tmp_path / "spool"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 150
    assert size > 4_500_000
    assert peak < 2_000_000


@pytest.mark.with_children
@pytest.mark.slow  # a process decodes
def test_a_long_load_is_decoded_while_it_goes_on_and_nothing_raw_is_left(tmp_path: Path) -> None:
    reading = spool.Reading(exact_output=True)
    writer = spool.Spool(tmp_path / "spool", segment_bytes=1000)
    with spool.Decoder(reading) as decoder:
        writer.decode_with(decoder)
        for index in range(10):
            writer.write(exchange(index, events=6))
        writer.close()
    assert len(writer.segments) == 6
    assert all(path.with_name(f"{path.name}.samples").is_file() for path in writer.segments[:-1])
    done = decoded.decode(writer.segments, reading)
    assert [one.index for path in done for one in decoded.read(path, decoded.RunClock(90.0))] == list(
        range(10)
    )
    assert sorted(tmp_path.iterdir()) == sorted(done)


@pytest.mark.slow  # a process decodes
@pytest.mark.parametrize(("waiting", "decoded_meanwhile"), [(4, 5), (5, 0)])
def test_segments_wait_for_the_process_that_decodes_them(
    waiting: int, decoded_meanwhile: int, tmp_path: Path
) -> None:
    """Five are full: too many to wait where four may, and none too many where five may."""
    writer = spool.Spool(tmp_path / "spool", segment_bytes=1000)
    with spool.Decoder(spool.Reading(exact_output=True), waiting) as decoder:
        writer.decode_with(decoder)
        for index in range(10):
            writer.write(exchange(index, events=6))
        writer.close()
    found = [path for path in writer.segments if path.with_name(f"{path.name}.samples").is_file()]
    assert found == writer.segments[:decoded_meanwhile]


def test_raw_exchanges_are_kept_where_they_are_wanted(tmp_path: Path) -> None:
    writer = spool.Spool(tmp_path / "spool")
    writer.write(exchange())
    writer.close()
    (done,) = decoded.decode(writer.segments, spool.Reading(exact_output=True, keep_raw=True))
    assert EVENT * 3 + END in (tmp_path / "spool").read_bytes()
    assert next(decoded.read(done, decoded.RunClock(90.0))).text == "word word word "


def test_decoded_samples_take_little_room(tmp_path: Path) -> None:
    writer = spool.Spool(tmp_path / "spool")
    writer.write(exchange(events=1000))
    writer.close()
    (done,) = decoded.decode(writer.segments, spool.Reading(exact_output=True))
    assert done.stat().st_size < 16 * 1000


def test_decoded_samples_that_were_cut_are_said_to_be_damaged(tmp_path: Path) -> None:
    writer = spool.Spool(tmp_path / "spool")
    writer.write(exchange())
    writer.close()
    (done,) = decoded.decode(writer.segments, spool.Reading(exact_output=True))
    done.write_bytes(done.read_bytes()[:60])
    with pytest.raises(DataError, match="damaged"):
        list(decoded.read(done, decoded.RunClock(90.0)))
