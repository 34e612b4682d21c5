"""What no client can know: each of these is VALID, and docs/validity.md names it."""

from __future__ import annotations

from tests.servers import between
from tests.servers.caches import Cached
from tests.servers.case import Case
from tests.servers.engine import Engine, even, varying
from tests.servers.measured import Setting
from tests.servers.stream import Between, Streaming, Wire


def _beyond(name: str, between_: Between, prefill_s: float = 0.1, itl_s: float = 0.01) -> Case:
    return Case(name, "beyond a client", lambda: Streaming(Engine(even(prefill_s, itl_s)), between=between_))


BEYOND = (
    Case(
        "caches whole prompts, and waits as long as computing would",
        "beyond a client",
        lambda: Streaming(Engine(Cached(even(), even(), 101).pace)),
    ),
    Case(
        "a smaller model under the right name, on unknown hardware",
        "beyond a client",
        lambda: Streaming(Engine(even(0.01, 0.001))),
    ),
    Case(
        "reads half of the prompt and charges for all",
        "beyond a client",
        lambda: Streaming(Engine(even(0.05))),
    ),
    Case(
        "knew one prompt in twenty",
        "beyond a client",
        lambda: Streaming(Engine(Cached(even(), even(0.01), 101, 0.05).pace)),
    ),
    Case(
        "knew each prompt of the run, but only the first time",
        "beyond a client",
        lambda: Streaming(Engine(Cached(even(), even(0.01), 101, forgets=True, once=True).pace)),
        "may only have been slower after the run",
    ),
    Case(
        "charges for two tokens where a long word is one, and has no tokenizer to ask",
        "beyond a client",
        lambda: Streaming(Engine(even(), words=lambda a, i: f"word{a.number}-{i} "), Wire(charged=2.0)),
        "only the server counted them",
        Setting(tokenizer=False, exact=False),
    ),
    _beyond("filler words at decoding's pace while it reads the prompt", between.fillers(9, 0.01, 24), 0.01),
    Case(
        "a placeholder in the last quarter of the prefill",
        "beyond a client",
        lambda: Streaming(Engine(varying(lambda _: 0.16, lambda _, i: 0.04 if i == 1 else 0.01))),
    ),
    _beyond("collects the answer, then sends it at an even pace", between.whole(0, 0.01)),
)
