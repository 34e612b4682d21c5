"""Choose the build of an engine for this machine: there are separate ones for CUDA, ROCm, Ascend and plain CPUs."""

from __future__ import annotations

from collections.abc import Sequence

from sagellm_benchmark.machine.accelerators import Maker, Variant
from sagellm_benchmark.machine.makers.registry import MAKERS

__all__ = ["Variant", "variant"]


def variant(makers: Sequence[Maker] = MAKERS) -> Variant:
    """Return the build for this machine's accelerators, else `cpu`; if there are several makers', the first's."""
    return next((maker.variant for maker in makers if maker.present()), "cpu")
