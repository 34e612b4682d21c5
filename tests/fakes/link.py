"""A cable between two networks of Linux that is slow and loses packets, as told on standard input.

python -m tests.fakes.link HERE THERE NETNS    makes a device for each end, the second one in a network namespace

A line `THERE_S BACK_S LOST` sets how long packets take each way, and which share of them is lost. It answers each line
with the same, once it holds. The devices go when it ends, which its standard input does.
"""

from __future__ import annotations

import contextlib
import fcntl
import heapq
import itertools
import os
import random
import selectors
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000  # <linux/if_tun.h>
MOST_BYTES = 65_536


def device(name: str) -> int:
    """Make a device whose packets we read and write."""
    file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(file, TUNSETIFF, struct.pack("16sH14x", name.encode(), IFF_TUN | IFF_NO_PI))
    return file


def say(line: str) -> None:
    """Report to the parent process."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Carry packets until standard input ends."""
    here, there, space = sys.argv[1:]
    cable = Cable((device(here), device(there)))
    subprocess.run(["ip", "link", "set", there, "netns", space], check=True)
    say("ready")
    with selectors.DefaultSelector() as selector:
        for file in (*cable.ends, sys.stdin.fileno()):
            selector.register(file, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select(cable.idle_s):
                if key.fd in cable.ends:
                    cable.take(key.fd)
                elif line := os.read(key.fd, 200).decode():
                    *cable.takes_s, cable.lost = map(float, line.split())
                    say(line.strip())
                else:
                    return
            cable.give()


@dataclass
class Cable:
    """What is read at either end is written to the other one when its time has come, unless it is lost."""

    ends: tuple[int, int]
    takes_s: list[float] = field(default_factory=lambda: [0.0, 0.0])
    lost: float = 0.0
    under_way: list[tuple[float, int, int, bytes]] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=itertools.count)
    chance: random.Random = field(default_factory=lambda: random.Random(13))  # noqa: S311 - the same each time

    @property
    def idle_s(self) -> float | None:
        return max(0.0, self.under_way[0][0] - time.monotonic()) if self.under_way else None

    def take(self, file: int) -> None:
        way = self.ends.index(file)
        packet = os.read(file, MOST_BYTES)
        if self.chance.random() >= self.lost:
            at = time.monotonic() + self.takes_s[way]
            heapq.heappush(self.under_way, (at, next(self.numbers), self.ends[1 - way], packet))

    def give(self) -> None:
        while self.under_way and self.under_way[0][0] <= time.monotonic():
            *_, file, packet = heapq.heappop(self.under_way)
            with contextlib.suppress(OSError):  # that end is down, so the packet is lost
                os.write(file, packet)


if __name__ == "__main__":
    main()
