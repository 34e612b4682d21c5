"""Servers that do what they say, in every way that servers do it: none may be accused, every figure must be right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from sagellm_benchmark.workload.schedule import poisson
from tests.servers.between import apart, joined
from tests.servers.caches import Cached
from tests.servers.case import Case
from tests.servers.engine import Engine, Pace, Shared, Step, dice, even, several, varying
from tests.servers.measured import PLAIN, Setting
from tests.servers.protocol import Asked
from tests.servers.stream import Streaming, Wire

CHAT = Setting(api="chat")
EIGHT = Setting(requests=160, streams=8)
RATE = 0.8 / 0.0775  # requests a second, each of which takes 77.5 ms
OPEN = Setting(requests=300, due_s=poisson(RATE, 300, np.random.default_rng(7)), rate_rps=RATE)
SHORT, LONG = Setting(output_tokens=4), Setting(requests=40, output_tokens=256)


def _wire(name: str, wire: Wire, setting: Setting = PLAIN) -> Case:
    return Case(name, "honest", lambda: Streaming(wire=wire), setting=setting)


def _pace(name: str, pace: Pace, setting: Setting = PLAIN, slots: int | None = None) -> Case:
    return Case(name, "honest", lambda: Streaming(Engine(pace, slots)), setting=setting)


FRAMINGS = (
    _wire("vLLM's completions", Wire()),
    _wire("vLLM's chat", Wire(), CHAT),
    _wire("lines end in CRLF", Wire(newline="\r\n")),
    _wire("lines end in CR", Wire(newline="\r")),
    _wire("a byte order mark", Wire(mark="\ufeff")),
    _wire("no blank after data:", Wire(colon="data:")),
    _wire("JSON over several data lines", Wire(lines=True)),
    _wire("several data lines that end in CRLF", Wire(lines=True, newline="\r\n"), CHAT),
    _wire("comments keep the connection alive", Wire(comments=True), CHAT),
    _wire("events with ids and names", Wire(named="id: 7\nevent: message\nretry: 100\n")),
    _wire("a byte a read", Wire(cut=1), Setting(output_tokens=8)),
    _wire("events cut anywhere", Wire(cut=7, framing="close")),
    _wire("the end of the connection ends an answer", Wire(framing="close")),
    _wire("a connection for each answer", Wire(keep_alive=False)),
    _wire("no role event", Wire(role_first=False), CHAT),
    _wire("every field that may be null is", Wire(null_fields=True), CHAT),
    _wire("the last token says why it ended", Wire(finish_with_last=True)),
    _wire("usage in every event", Wire(usage="every"), CHAT),
    _wire("usage beside finish_reason", Wire(usage="with finish")),
    _wire("no [DONE]", Wire(done=False)),
    _wire("[DONE] 80 ms after the last token", Wire(done_after_s=0.08)),
    _wire("[DONE] 2 s after the last token, eight at once", Wire(done_after_s=2.0), EIGHT),
    _wire("reasoning before the answer", Wire(reasons=20), CHAT),
    _wire("reasoning alone", Wire(reasons=99), CHAT),
    _wire("reasoning by its other name", Wire(field="reasoning"), CHAT),
    _wire("calls of tools", Wire(field="tool"), CHAT),
    _wire(
        "an event of 20 kB", Wire(named=f": {'x' * 20_000}\n"), replace(CHAT, requests=20, output_tokens=8)
    ),
    _wire("says that it cached a begin-of-text token", Wire(cached=1)),
    _wire("no tokenizer to ask", Wire(), Setting(tokenizer=False)),
    _wire(
        "reasoning, usage in every event and comments",
        Wire(usage="every", reasons=10, comments=True),
        replace(CHAT, requests=30),
    ),
    _wire(
        "calls of tools in CRLF, cut anywhere",
        Wire(usage="every", field="tool", newline="\r\n", cut=3),
        replace(CHAT, requests=20, output_tokens=8),
    ),
)


def _bimodal(asked: Asked) -> float:
    return 0.05 if dice(asked).random() < 0.5 else 0.2


def _exponential(asked: Asked) -> float:
    return 0.01 + dice(asked).expovariate(1 / 0.1)


def _heavy(asked: Asked) -> float:
    return 0.05 * dice(asked).lognormvariate(0, 1)


def _now_and_then(asked: Asked, position: int) -> float:
    """One answer of twenty is thrown out for 2 s in its middle."""
    return 2.0 if position == 16 and asked.number % 20 == 7 else 0.01


def _collector(asked: Asked, position: int) -> float:
    """A pause of 60 ms every hundred steps."""
    return 0.06 if (asked.number * 31 + position) % 100 == 0 else 0.01


def _tool(asked: Asked, position: int) -> float:
    """Half a second in which a tool runs, somewhere in each answer."""
    return 0.5 if position == 5 + asked.number % 15 else 0.01


def _chunks(asked: Asked, position: int) -> float:
    """Every tenth step takes in a piece of somebody's prompt, too."""
    return 0.035 if dice(asked, position).random() < 0.1 else 0.01


def _uneven_speculation(asked: Asked) -> Iterator[Step]:
    """One to seven tokens a step, no two of which take equally long."""
    chance, left = dice(asked, 5), asked.tokens - 1
    yield 0.1, 1
    while left > 0:
        made = min(left, 1 + min(int(chance.expovariate(0.7)), 6))
        left -= made
        yield 0.02 + chance.expovariate(60), made


def _ends_by_itself(asked: Asked) -> Iterator[Step]:
    yield 0.1, 1
    yield from [(0.01, 1)] * dice(asked).randint(8, 20)


PACES = (
    _pace("a token in 0.5 ms", even(0.003, 0.0005)),
    _pace("a token in 0.2 ms", even(0.002, 0.0002)),
    _pace("5 s to the first token", even(5.0, 0.1)),
    _pace("30 s to the first token", even(30.0, 0.1), Setting(requests=30)),
    _pace("answers of one token", even(), Setting(output_tokens=1)),
    _pace("answers of four tokens", even(), SHORT),
    _pace("answers of 256 tokens", even(), LONG),
    _pace("TTFT of two kinds", varying(_bimodal, lambda _, __: 0.01)),
    _pace("exponential TTFT", varying(_exponential, lambda _, __: 0.01), Setting(requests=300)),
    _pace("lognormal TTFT", varying(_heavy, lambda _, __: 0.01), Setting(requests=300)),
    _pace("gaps that vary", varying(lambda _: 0.1, lambda a, i: 0.002 + dice(a, i).expovariate(100))),
    _pace(
        "each gap a little longer than the last", varying(lambda _: 0.1, lambda _, i: 0.01 + 0.0002 * i), LONG
    ),
    _pace("answers that are thrown out for 2 s", varying(lambda _: 0.1, _now_and_then)),
    _pace("a collector's pauses", varying(lambda _: 0.1, _collector)),
    _pace(
        "a neighbour takes every second step", varying(lambda _: 0.1, lambda _, i: 0.005 if i % 2 else 0.03)
    ),
    _pace("a cold first step of decoding", varying(lambda _: 0.1, lambda _, i: 0.03 if i == 1 else 0.01)),
    _pace("a tool that runs in the middle of each answer", varying(lambda _: 0.1, _tool)),
    _pace("others' prompts taken in piece by piece", varying(lambda _: 0.1, _chunks), EIGHT),
    _pace(
        "a pause for thought after the first words",
        varying(lambda _: 0.3, lambda _, i: 0.5 if i == 3 else 0.02),
    ),
    _pace(
        "two replicas, one half as quick",
        varying(lambda a: 0.1 + 0.1 * (a.number % 2), lambda a, _: 0.01 + 0.01 * (a.number % 2)),
    ),
    _pace("prefill on quicker chips than decoding", even(0.005, 0.04)),
    _pace("prefill here, decoding there", varying(lambda _: 0.3, lambda _, i: 0.06 if i == 1 else 0.005)),
    _pace("four places for eight streams", even(), EIGHT, slots=4),
    _pace("a place for eight streams", even(0.02, 0.002), EIGHT, slots=1),
    _pace("eight streams, each as if alone", even(), EIGHT),
    _pace("requests at random moments, a place for one, 80 % busy", even(0.02, 0.0025), OPEN, slots=1),
    _pace("requests at random moments, enough places", even(), OPEN),
    Case(
        "answers that end by themselves",
        "honest",
        lambda: Streaming(Engine(_ends_by_itself), Wire(finish="stop")),
        setting=Setting(exact=False),
    ),
)


def _shared(name: str, prefill_s: float, itl_s: float, setting: Setting) -> Case:
    return Case(name, "honest", lambda: Streaming(Engine(Shared(prefill_s, itl_s).pace)), setting=setting)


BATCHES = (
    _shared("eight streams wait for each other's prefills", 0.05, 0.01, EIGHT),
    _shared("eight streams, long prefills", 0.3, 0.005, EIGHT),
    _shared("32 streams, long prefills", 0.1, 0.01, Setting(requests=320, streams=32)),
    _shared("ten prompts at once", 0.1, 0.01, Setting(requests=10, streams=10)),
)

SPECULATION = (
    _pace("speculation, three a step in one event", several(lambda _, __: 3, 0.03)),
    _pace("speculation, four a step in one event", several(lambda _, __: 4, 0.05), Setting(output_tokens=24)),
    _pace("speculation at an uneven pace", _uneven_speculation),
    Case(
        "speculation at an uneven pace, each token its event",
        "honest",
        lambda: Streaming(Engine(_uneven_speculation), between=apart),
    ),
    _pace("speculation, one to eight a step", several(lambda a, i: dice(a, i).randint(1, 8), 0.03)),
    Case(
        "eight tokens an event",
        "honest",
        lambda: Streaming(Engine(even(0.1, 0.005)), between=joined(8)),
        setting=Setting(output_tokens=24),
    ),
    Case(
        "sixteen tokens an event",
        "honest",
        lambda: Streaming(Engine(even(0.1, 0.005)), between=joined(16)),
        setting=Setting(output_tokens=64),
    ),
    Case(
        "speculation, each of three tokens its event",
        "honest",
        lambda: Streaming(Engine(several(lambda _, __: 3, 0.03)), between=apart),
    ),
    Case(
        "speculation, each of one to eight tokens its event",
        "honest",
        lambda: Streaming(Engine(several(lambda a, i: dice(a, i).randint(1, 8), 0.04)), between=apart),
    ),
)


def _caching(name: str, cache: Callable[[], Cached], setting: Setting = PLAIN) -> Case:
    return Case(name, "honest", lambda: Streaming(Engine(cache().pace)), setting=setting)


CACHING = (
    _caching("a prefix cache that has none of the prompts", lambda: Cached(even(), even(0.01))),
    _caching("the same, eight streams", lambda: Cached(even(), even(0.01)), EIGHT),
    _caching(
        "the same, TTFT of two kinds", lambda: Cached(varying(_bimodal, lambda _, __: 0.01), even(0.01))
    ),
    _caching(
        "the same, exponential TTFT", lambda: Cached(varying(_exponential, lambda _, __: 0.01), even(0.005))
    ),
)


def _slower_after_the_run(requests: int) -> Pace:
    return varying(lambda asked: 0.03 if asked.number < requests else 0.1, lambda _, __: 0.01)


SLOWER_SINCE = (
    Case(
        "three times as slow after the run",
        "honest",
        lambda: Streaming(Engine(_slower_after_the_run(101))),
        "may only have been slower after the run",
    ),
    Case(
        "three times as slow after the run, eight streams",
        "honest",
        lambda: Streaming(Engine(_slower_after_the_run(168))),
        "may only have been slower after the run",
        EIGHT,
    ),
)

HONEST = (*FRAMINGS, *PACES, *BATCHES, *SPECULATION, *CACHING, *SLOWER_SINCE)
