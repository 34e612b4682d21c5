"""Servers whose figures are not true: each must be INVALID, or the record must say what nobody could know."""

from __future__ import annotations

from sagellm_benchmark.engines.base import ModelFacts
from sagellm_benchmark.machine.hardware import Hardware
from tests.servers import between
from tests.servers.caches import Cached
from tests.servers.case import Case
from tests.servers.engine import EVEN, Engine, Pace, dice, even, several, varying
from tests.servers.honest import CHAT, EIGHT
from tests.servers.measured import PLAIN, Setting
from tests.servers.protocol import Asked
from tests.servers.stream import VLLMS, Between, Streaming, Wire

LONGER = Setting(output_tokens=64)
A100 = Hardware(vendor="NVIDIA", chip_model="A100", chip_count=1)
SEVEN_BILLION = ModelFacts(name="Qwen2-7B", parameters="7B", precision="FP16")
KNOWN, SLOW = even(0.01), even(0.2, 0.005)
NO_TOKENIZER = Setting(tokenizer=False)


def _wire(name: str, wire: Wire, words: str, setting: Setting = PLAIN) -> Case:
    return Case(name, "lies", lambda: Streaming(wire=wire), words, setting)


def _held(name: str, held: Between, words: str, setting: Setting = LONGER, pace: Pace = SLOW) -> Case:
    return Case(name, "lies", lambda: Streaming(Engine(pace), between=held), words, setting)


def _cache(
    name: str,
    words: str,
    share: float = 1.0,
    *,
    new: Pace = EVEN,
    known: Pace = KNOWN,
    setting: Setting = PLAIN,
    wire: Wire = VLLMS,
    forgets: bool = False,
) -> Case:
    knows = setting.streams + setting.requests
    return Case(
        name,
        "lies",
        lambda: Streaming(Engine(Cached(new, known, knows, share, forgets).pace), wire),
        words,
        setting,
    )


def _half(asked: Asked, position: int) -> str:
    """A word for every second token."""
    return f"w{(asked.number * 37 + position) % 997:03d} " if position % 2 == 0 else ""


def _half_of_some(asked: Asked, position: int) -> str:
    """The same in two answers of five."""
    return _half(asked, position) if asked.number % 5 < 2 else f"w{(asked.number * 37 + position) % 997:03d} "


CHARGES = (
    Case(
        "charges twice what it sends in two answers of five",
        "lies",
        lambda: Streaming(
            Engine(several(lambda a, _: 2 if a.number % 5 < 2 else 1, 0.01), words=_half_of_some)
        ),
        "its usage is wrong in them",
        Setting(requests=30, output_tokens=64),  # few enough that each is looked at, whatever is drawn
    ),
    Case(
        "charges twice what it sends",
        "lies",
        lambda: Streaming(Engine(several(lambda _, __: 2, 0.01), words=_half)),
        "tokens for each that the server charged",
    ),
    _wire("charges twice what was asked", Wire(charged=2.0), "tokens for each"),
    _wire(
        "charges half of its events",
        Wire(charged=0.5, finish="stop"),
        "its usage is wrong",
        Setting(exact=False),
    ),
    _wire(
        "charges for twice the prompt", Wire(prompt_charged=2.0), "prompts do not have the requested length"
    ),
    Case("a letter an event", "lies", lambda: Streaming(between=between.letters), "its usage is wrong"),
    Case(
        "eight words for 64 tokens",
        "lies",
        lambda: Streaming(Engine(even(), words=lambda a, i: f"word{a.number} " if i % 8 == 0 else "")),
        "bytes of text",
        Setting(output_tokens=64, tokenizer=False),
    ),
    Case(
        "ends early, blanks to the end, a tokenizer",
        "lies",
        lambda: Streaming(between=between.padded(8, 24)),
        "tokens for each",
    ),
    Case(
        "ends early, blanks to the end, no tokenizer",
        "lies",
        lambda: Streaming(between=between.padded(8, 32)),
        "in bunches",
        Setting(output_tokens=32, tokenizer=False),
    ),
    Case(
        "ends early, then a blank a millisecond, no tokenizer",
        "lies",
        lambda: Streaming(between=between.padded(8, 24, 0.001)),
        "blank",
        NO_TOKENIZER,
        said=True,
    ),
)

BEGINNINGS = (
    _held("a blank at once", between.begins_with(" "), "begin before they are computed"),
    _held("a word at once", between.begins_with("Well "), "begin before they are computed"),
    _held(
        "three words at once", between.begins_with("Well", " then", " so "), "begin before they are computed"
    ),
    _held("its first word guessed at once", between.guesses(1), "begin before they are computed"),
    _held("its first five words guessed at once", between.guesses(5), "begin before they are computed"),
    _held(
        "a word at once, short prefill",
        between.begins_with("Well "),
        "begin before they are computed",
        pace=even(0.04, 0.008),
    ),
    _held(
        "two words at once, prefill of four steps",
        between.begins_with("Well ", "then "),
        "begin before they are computed",
        pace=varying(lambda _: 0.15, lambda a, i: 0.037 * (0.7 + 0.6 * dice(a, i).random())),
    ),
    Case(
        "its first word guessed at once, prefill of three steps",
        "lies",
        lambda: Streaming(Engine(even(0.1, 0.035)), between=between.guesses(1)),
        "a placeholder",
        said=True,
    ),
    _held(
        "a word at once, eight streams", between.begins_with("Well "), "begin before they are computed", EIGHT
    ),
    Case(
        "a word at once in every second answer",
        "lies",
        lambda: Streaming(Engine(SLOW), between=between.for_some(0.5, between.begins_with("Well "))),
        "% of the answers begin before they are computed",
        LONGER,
    ),
    Case(
        "its first word guessed at once in a third of the answers",
        "lies",
        lambda: Streaming(Engine(SLOW), between=between.for_some(0.3, between.guesses(1))),
        "of the answers begin before they are computed",
        LONGER,
    ),
    Case(
        "a placeholder in the middle of the prefill",
        "lies",
        lambda: Streaming(Engine(varying(lambda _: 0.1, lambda _, i: 0.1 if i == 1 else 0.005))),
        "a placeholder",
        LONGER,
        said=True,
    ),
    _held("a word at once, chat", between.begins_with("\u200b"), "begin before they are computed", CHAT),
)

HOLDING = (
    _held("all in one event", between.joined(10_000), "not streamed"),
    _held("all at the end", between.whole(), "not streamed"),
    Case("not streamed at all", "lies", lambda: Streaming(wire=Wire(framing="length")), "not streamed"),
    _held("the first token, then all others at the end", between.whole(1), "answers"),
    _held("half, then half at the end", between.whole(32), "answers"),
    _held("a proxy that holds 200 ms", between.held(0.2), "let go in bunches", pace=even(0.05, 0.005)),
    _held(
        "a proxy that holds 200 ms, eight streams",
        between.held(0.2),
        "let go in bunches",
        EIGHT,
        even(0.05, 0.005),
    ),
    Case(
        "a proxy that holds a third of the answers for 200 ms",
        "lies",
        lambda: Streaming(Engine(even(0.05, 0.005)), between=between.for_some(0.3, between.held(0.2))),
        "of the answers came in bunches",
        LONGER,
        said=True,
    ),
    Case(
        "a third of the answers in one event",
        "lies",
        lambda: Streaming(Engine(SLOW), between=between.for_some(0.3, between.joined(10_000))),
        "of the answers came in one piece",
        LONGER,
        said=True,
    ),
    Case(
        "the last twelve tokens together",
        "lies",
        lambda: Streaming(Engine(even(0.3, 0.01)), between=between.whole(12)),
        "came together",
        said=True,
    ),
    Case(
        "a proxy that holds 40 ms",
        "lies",
        lambda: Streaming(Engine(even(0.05, 0.01)), between=between.held(0.04)),
        "came together",
        said=True,
    ),
)

CACHES = (
    _cache("knew every prompt, says nothing", "answered from a cache"),
    _cache("knew every prompt, says 0 cached", "answered from a cache", wire=Wire(cached=0)),
    _cache("knew every prompt and says so", "came from the server's cache", wire=Wire(cached=30)),
    _cache("knew 40 % of the prompts", "answered from a cache", 0.4, wire=Wire(cached=0)),
    _cache("knew 20 % of the prompts", "answered from a cache", 0.2),
    Case(
        "knew a third of twenty prompts",
        "lies",
        lambda: Streaming(Engine(Cached(even(), even(0.03), 21, 0.3).pace)),
        "may be chance",
        Setting(requests=20),
        said=True,
    ),
    _cache(
        "knew half of the run's prompts, keeps no others, four streams",
        "were known in advance",
        0.5,
        setting=Setting(requests=60, streams=4, output_tokens=128),
        forgets=True,
    ),
    _cache("knew every prompt, eight streams", "answered from a cache", setting=EIGHT),
    _cache(
        "knew half of the prompts, TTFT varies",
        "answered from a cache",
        0.5,
        new=varying(lambda a: 0.08 + dice(a).expovariate(25), lambda _, __: 0.01),
    ),
    _cache("knew whole answers", "answered from a cache", known=even(0.002, 0.001)),
    _cache("knew the run's prompts, keeps no others", "were known in advance", forgets=True),
    _cache("knew 40 % of the run's prompts, keeps no others", "were known in advance", 0.4, forgets=True),
)

MODELS = (
    Case(
        "7B in FP16 on an A100 at 0.7 ms a token",
        "lies",
        lambda: Streaming(Engine(even(0.02, 0.0007))),
        "faster than memory",
        Setting(model=SEVEN_BILLION, hardware=A100),
    ),
    Case(
        "14 GB of a dense model on an A100 at 0.7 ms a token",
        "lies",
        lambda: Streaming(Engine(even(0.02, 0.0007))),
        "faster than memory",
        Setting(model=ModelFacts(name="Qwen2-7B", size_bytes=14_000_000_000), hardware=A100),
    ),
    Case(
        "another model's name",
        "lies",
        Streaming,
        "the server's answers name",
        Setting(echoed_model="other-1b"),
        said=True,
    ),
    Case(
        "every answer the same",
        "lies",
        lambda: Streaming(Engine(even(), words=lambda _, i: f"word{i} ")),
        "are the same text",
        said=True,
    ),
    Case(
        "answers with the prompt",
        "lies",
        lambda: Streaming(Engine(even(), words=lambda a, i: f"{a.prompt.split()[i]} ")),
        "repeat their prompt",
        said=True,
    ),
    Case(
        "one word over and over",
        "lies",
        lambda: Streaming(Engine(even(), words=lambda a, _: f"w{a.number} ")),
        "over and over",
        said=True,
    ),
)

LIARS = (*CHARGES, *BEGINNINGS, *HOLDING, *CACHES, *MODELS)
