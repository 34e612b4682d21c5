"""The documented workloads, declared once: what each one is, and what readers of the board take for one. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple


class Load(NamedTuple):
    """What a documented workload's name stands for: tokens in and out of each request, and requests at once."""

    input_length: int
    output_length: int
    concurrent_requests: int


class Documented(NamedTuple):
    """A workload that is known by its name: its load, and how many requests and turns it has unless told otherwise."""

    load: Load
    requests: int
    turns: int = 1


DOCUMENTED = {
    "Q1": Documented(Load(32, 64, 1), requests=5),
    "Q2": Documented(Load(512, 128, 1), requests=3),
    "Q3": Documented(Load(128, 256, 1), requests=3),
    "Q4": Documented(Load(256, 256, 1), requests=3, turns=3),
    "Q5": Documented(Load(32, 64, 10), requests=10),
    "Q6": Documented(Load(512, 256, 10), requests=10),
    "Q7": Documented(Load(256, 512, 1), requests=3),
    "Q8": Documented(Load(192, 128, 4), requests=4),
}

CUSTOM = "custom"
"""The name of every load that is none of these."""

_OLDER_NAMES = {
    "Q1": ("short", "short_qa", "short_input"),
    "Q2": ("long", "long_summarization", "long_input"),
    "Q3": ("code", "code_generation"),
    "Q4": ("multi_turn", "multi_turn_reasoning"),
    "Q5": ("stress", "stress_short", "stress_test"),
    "Q6": ("stress_long",),
    "Q7": ("cot", "chain_of_thought"),
    "Q8": ("mixed", "mixed_batch"),
}
_BY_NAME = {
    name: scenario for scenario in DOCUMENTED for name in (scenario.lower(), *_OLDER_NAMES.get(scenario, ()))
}
_IN_NOTES = {"short_input": "Q1", "long_input": "Q2", "stress_test": "Q5"}
_NAMED = re.compile(rf"\b({'|'.join(DOCUMENTED)})\b", re.IGNORECASE | re.ASCII)


def scenario(name: str, notes: str = "") -> str | None:
    """Return the documented workload that readers take a row for, by its name, else by its notes; None for others."""
    if known := _BY_NAME.get(re.sub(r"[^a-z0-9]+", "_", name.strip().lower())):
        return known
    if said := _NAMED.search(notes):
        return said[1].upper()
    return next((known for word, known in _IN_NOTES.items() if word in notes), None)


def rightful_name(name: str, load: tuple[int, int, int | None]) -> str:
    """Return `name`, or CUSTOM if it is that of a documented workload with another load than `load`."""
    known = scenario(name)
    return CUSTOM if known is not None and load != DOCUMENTED[known].load else name
