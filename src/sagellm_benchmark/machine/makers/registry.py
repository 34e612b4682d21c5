"""The known makers. On a machine with chips of several makers, the first one decides the build of an engine."""

from __future__ import annotations

from sagellm_benchmark.machine.accelerators import Maker
from sagellm_benchmark.machine.makers.amd import Amd
from sagellm_benchmark.machine.makers.ascend import Ascend
from sagellm_benchmark.machine.makers.nvidia import Nvidia
from sagellm_benchmark.machine.makers.rapl import Rapl

MAKERS: tuple[Maker, ...] = (
    Ascend(),
    Nvidia(),
    Amd(),
)

PROCESSORS: Maker = Rapl()
"""Counts the energy if there is no accelerator."""
