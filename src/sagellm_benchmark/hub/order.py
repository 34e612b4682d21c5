"""Check the numbers of rows by the history of the dataset, which nobody writes by hand: who was first? Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby
from operator import itemgetter

from sagellm_benchmark.board.standing import Standing
from sagellm_benchmark.hub.store import SUBMISSIONS


def in_order(standing: Standing, order: Mapping[str, int]) -> tuple[Standing, list[str]]:
    """Return the standing with the numbers that the history gives, and which rows are numbered before earlier ones.

    `order` has, for each submission's path, the number of the commit that added it. Rows of one commit keep their order
    among themselves. Rows that were accepted before numbers were kept stay the earliest.
    """
    paths = {
        name: f"{SUBMISSIONS}/{fact.configuration}/{name}.json"
        for name, fact in standing.facts.items()
        if fact.number
    }
    came = sorted(
        (order[path], standing.facts[name].number, name) for name, path in paths.items() if path in order
    )
    problems: list[str] = []
    latest, before = 0, ""
    for _, rows in groupby(came, itemgetter(0)):
        group = list(rows)
        problems += [
            f"row {name} is numbered before row {before}, which was accepted earlier"
            for _, number, name in group
            if number < latest
        ]
        latest, before = max((latest, before), *((number, name) for _, number, name in group))
    if not problems:
        return standing, []
    facts = dict(standing.facts)
    for number, (_, _, name) in enumerate(came, 1):
        facts[name] = replace(facts[name], number=number)
    return replace(standing, facts=facts), problems
