"""Measure how the client itself performs while it drives a load."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import zip_longest
from time import monotonic, process_time

import numpy as np

from sagellm_benchmark.client.terms import ClientHealth, ClientNode

_PERIOD_S = 0.02
_ENOUGH = 100  # wake-ups; of fewer, the p99 would only be the maximum


def worst(
    healths: Sequence[ClientHealth], *, cpu_s: Callable[[Iterable[float]], float] = max
) -> ClientHealth:
    """Return the worst of each figure over several repeats; for processes of one load, pass `sum` for `cpu_s`."""

    def known(name: str) -> list[float]:
        return [value for health in healths if (value := getattr(health, name)) is not None]

    return ClientHealth(
        loop_lag_p99_s=max(known("loop_lag_p99_s"), default=None),
        loop_lag_max_s=max(known("loop_lag_max_s"), default=None),
        cpu_share=max(known("cpu_share"), default=None),
        cpu_s=cpu_s(spent) if (spent := known("cpu_s")) else None,
    )


def together(repeats: Sequence[Sequence[ClientNode]]) -> tuple[ClientNode, ...]:
    """Return the nodes of several repeats, each with its worst figures.

    A single machine is listed only in a repeat in which it lost a process.
    """
    return tuple(_worst_node([one for one in seen if one is not None]) for seen in zip_longest(*repeats))


def _worst_node(seen: Sequence[ClientNode]) -> ClientNode:
    def most(name: str) -> float | None:
        return max((value for one in seen if (value := getattr(one, name)) is not None), default=None)

    healths = [one.health for one in seen if one.health is not None]
    return replace(
        seen[-1],
        health=worst(healths) if healths else None,
        clock_bound_s=most("clock_bound_s"),
        others_share=most("others_share"),
    )


class Watch:
    """Wakes up at a fixed interval inside the event loop, and records how late each wake-up was."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._late = array("d")
        self._wall = monotonic()
        self._cpu = process_time()
        self._due = self._wall
        self._timer: asyncio.TimerHandle | None = None
        self._wait()

    def stop(self) -> ClientHealth:
        """Stop, and return what was seen; a lag is None if there were too few wake-ups to tell it."""
        if self._timer is not None:
            self._timer.cancel()
        cpu, wall = process_time() - self._cpu, monotonic() - self._wall
        late = np.asarray(self._late)
        return ClientHealth(
            loop_lag_p99_s=float(np.percentile(late, 99)) if late.size >= _ENOUGH else None,
            loop_lag_max_s=float(late.max()) if late.size else None,
            cpu_share=cpu / wall if wall > 0 else None,
            cpu_s=cpu,
        )

    def _wait(self) -> None:
        self._due = monotonic() + _PERIOD_S
        self._timer = self._loop.call_later(_PERIOD_S, self._wake)

    def _wake(self) -> None:
        self._late.append(max(0.0, monotonic() - self._due))
        self._wait()
