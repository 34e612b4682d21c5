"""In which order tests run where several workers share them, so that no processor stands still."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

import pytest

Kind = Literal["waits", "computes", "quick"]
T = TypeVar("T")


def kind_of(item: pytest.Item) -> Kind:
    """Say what a test does for most of its time."""
    if item.get_closest_marker("waits"):
        return "waits"
    return "computes" if any(map(item.get_closest_marker, ("slow", "engine", "browser"))) else "quick"


def dealt(items: Sequence[T], workers: int, kind: Callable[[T], Kind]) -> list[T]:
    """Return the items in an order of which each worker takes an equal part, as xdist's `worksteal` does.

    Of three workers, one begins with what computes, and two with what waits meanwhile. What is quick comes last: a
    worker that is done early takes it from others, so that all end together.
    """
    piles: dict[Kind, list[T]] = {"waits": [], "computes": [], "quick": []}
    for item in items:
        piles[kind(item)].append(item)
    computing = -(-workers // 3)
    order: list[T] = []
    for worker in range(workers):
        if worker % 3 == 0:
            long = _part(piles["computes"], worker // 3, computing)
        else:  # one by one, as some of them wait very long
            long = piles["waits"][worker - worker // 3 - 1 :: workers - computing]
        left = max(0, len(_part(items, worker, workers)) - len(long))
        order += [*long, *piles["quick"][:left]]
        del piles["quick"][:left]
    return order + piles["quick"]


def _part(of: Sequence[T], number: int, parts: int) -> Sequence[T]:
    return of[len(of) * number // parts : len(of) * (number + 1) // parts]
