"""Servers that are measured by both clocks: they must be judged alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.servers import between
from tests.servers.caches import Cached
from tests.servers.engine import Engine, even, several
from tests.servers.measured import Setting
from tests.servers.protocol import Server
from tests.servers.stream import Between, Streaming, Wire

WAVE = Setting(requests=16, streams=8)


@dataclass(frozen=True, slots=True)
class Twin:
    """A server, and what the reasons against it say; none where it is honest."""

    name: str
    server: Callable[[], Server]
    expected: tuple[str, ...] = ()
    setting: Setting = WAVE


LONG_S = 0.6  # a wait that is long beside what a busy machine adds before it


def _held(held: Between, ttft_s: float = 0.15) -> Callable[[], Server]:
    return lambda: Streaming(Engine(even(ttft_s, 0.005)), between=held)


TWINS = (
    Twin("honest, in CRLF and cut anywhere", lambda: Streaming(wire=Wire(newline="\r\n", cut=100))),
    Twin(
        "honest, speculation",
        lambda: Streaming(Engine(several(lambda _, __: 3, 0.03)), between=between.apart),
    ),
    Twin("a word at once", _held(between.begins_with("Well "), LONG_S), ("begin before they are computed",)),
    Twin(
        "five words guessed at once", _held(between.guesses(5), LONG_S), ("begin before they are computed",)
    ),
    Twin("a proxy that holds 200 ms", _held(between.held(0.2)), ("let go in bunches",)),
    Twin(
        "knew every prompt",
        lambda: Streaming(Engine(Cached(even(0.15, 0.005), even(0.01, 0.005), 24).pace)),
        ("answered from a cache",),
    ),
)
