"""The makers that are known. On a machine with chips of several, the first one's build of an engine is taken."""

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
"""Counts the energy where there is no accelerator."""
