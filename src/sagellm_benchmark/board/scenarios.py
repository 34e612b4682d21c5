"""Q1 to Q8 as rows name them: what readers of the board take for one, and what its load must then be. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple


class Load(NamedTuple):
    """What a documented workload asks of a server: tokens in and out of each request, and requests at once."""

    input_length: int
    output_length: int
    concurrent_requests: int


LOADS = {
    "Q1": Load(32, 64, 1),
    "Q2": Load(512, 128, 1),
    "Q3": Load(128, 256, 1),
    "Q4": Load(256, 256, 1),
    "Q5": Load(32, 64, 10),
    "Q6": Load(512, 256, 10),
    "Q7": Load(256, 512, 1),
    "Q8": Load(192, 128, 4),
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
    name: scenario for scenario in LOADS for name in (scenario.lower(), *_OLDER_NAMES.get(scenario, ()))
}
_IN_NOTES = {"short_input": "Q1", "long_input": "Q2", "stress_test": "Q5"}
_NUMBER = re.compile(r"\bQ([1-8])\b", re.IGNORECASE | re.ASCII)


def scenario(name: str, notes: str = "") -> str | None:
    """Return the documented workload that readers take a row for, by its name, else by its notes; None for others."""
    if known := _BY_NAME.get(re.sub(r"[^a-z0-9]+", "_", name.strip().lower())):
        return known
    if said := _NUMBER.search(notes):
        return f"Q{said[1]}"
    return next((known for word, known in _IN_NOTES.items() if word in notes), None)


def rightful_name(name: str, load: tuple[int, int, int | None]) -> str:
    """Return the name that a load of this name has by right: a documented one only where it is that one's load."""
    known = scenario(name)
    return CUSTOM if known is not None and load != LOADS[known] else name
