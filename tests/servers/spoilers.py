"""Servers and surroundings that spoil a run: it must be INVALID and say why."""

from __future__ import annotations

from dataclasses import replace

from sagellm_benchmark.client.terms import Limits
from tests.servers import failing
from tests.servers.case import Case
from tests.servers.engine import Engine, even, varying
from tests.servers.honest import EIGHT
from tests.servers.measured import FREE, HEALTHY, Setting
from tests.servers.protocol import Asked
from tests.servers.stream import Streaming, Wire


def _fault(name: str, fault: failing.Fault, words: str, share: float = 0.1) -> Case:
    return Case(name, "spoils", lambda: failing.Faulty(fault, share), words)


FAULTS = (
    _fault("every request 500", failing.status(500, "out of memory"), "× http", 1.0),
    _fault("one request in ten 503", failing.status(503, "overloaded"), "× http"),
    _fault("one request in ten 429", failing.status(429, "slow down"), "× http"),
    _fault("one request in twenty 500", failing.status(500, "oops"), "× http", 0.05),
    _fault("answers that are cut off", failing.cut_off, "× cut_off"),
    _fault("connections that are reset", failing.reset, "× cut_off"),
    _fault("connections that are closed without a byte", failing.hang_up, "× cut_off", 0.3),
    _fault("no HTTP", failing.no_http, "× malformed"),
    _fault("a page of HTML", failing.says("<html>It works</html>", kind="text/html"), "× malformed"),
    _fault("events that are no JSON", failing.says("data: {oops\n\n"), "× malformed"),
    _fault("an error inside the stream", failing.says('data: {"error": {"message": "oom"}}\n\n'), "× server"),
    _fault("empty answers", failing.says("data: [DONE]\n\n"), "× empty"),
    _fault(
        "answers that end after a token",
        failing.says(failing.EVENT + failing.ENDS),
        "× short",
    ),
    Case(
        "answers that stall", "spoils", failing.Stalling, "× timeout", Setting(limits=Limits(request_s=5.0))
    ),
    Case(
        "gzip that nobody asked for",
        "spoils",
        lambda: Streaming(wire=Wire(framing="length", compressed=True)),
        "× malformed",
    ),
    Case(
        "no usage and no tokenizer",
        "spoils",
        lambda: Streaming(wire=Wire(usage="none")),
        "cannot be counted",
        Setting(tokenizer=False),
    ),
    Case(
        "says nothing, charges for everything",
        "spoils",
        lambda: Streaming(Engine(even(), words=lambda _, __: "")),
        "× empty",
    ),
)


def _grows(asked: Asked) -> float:
    return 0.1 * (1 + 0.02 * asked.number)


TIMES = (
    Case(
        "slows down as it goes",
        "spoils",
        lambda: Streaming(Engine(varying(_grows, lambda a, _: 0.002 * (1 + 0.01 * a.number)))),
        "never steady",
        Setting(requests=200),
    ),
    Case(
        "slower by 40 % from its 60th request on",
        "spoils",
        lambda: Streaming(
            Engine(
                varying(
                    lambda a: 0.1 if a.number < 60 else 0.14, lambda a, _: 0.01 if a.number < 60 else 0.014
                )
            )
        ),
        "never steady",
    ),
    Case(
        "becomes quicker by a half",
        "spoils",
        lambda: Streaming(Engine(varying(lambda _: 0.1, lambda a, _: 0.02 if a.number < 90 else 0.01))),
        "never steady",
        Setting(requests=200),
    ),
    Case(
        "more requests than it can answer",
        "spoils",
        lambda: Streaming(Engine(even(0.02, 0.0026), slots=1)),
        "never steady",
        Setting(requests=300, due_s=tuple(0.07 * i for i in range(300)), rate_rps=1 / 0.07),
    ),
    Case(
        "most streams idle",
        "spoils",
        lambda: Streaming(Engine(varying(lambda a: 60.0 if a.number == 160 else 0.1, lambda _, __: 0.01))),
        "Little's law",
        replace(EIGHT, limits=Limits(request_s=600.0)),
    ),
)

SURROUNDINGS = (
    Case(
        "other programs on every core",
        "spoils",
        Streaming,
        "the machine was busy",
        Setting(contention=replace(FREE, others_share=0.7, server_wait_share=0.4)),
    ),
    Case(
        "a host that takes processors away",
        "spoils",
        Streaming,
        "the machine was busy",
        Setting(contention=replace(FREE, steal_share=0.1)),
    ),
    Case(
        "a client that wakes up late",
        "spoils",
        Streaming,
        "the client was the bottleneck",
        Setting(health=replace(HEALTHY, loop_lag_p99_s=0.08)),
    ),
    Case(
        "a client without a core to itself",
        "spoils",
        Streaming,
        "the client was the bottleneck",
        Setting(health=replace(HEALTHY, cpu_share=0.99)),
    ),
)

SPOILERS = (*FAULTS, *TIMES, *SURROUNDINGS)
