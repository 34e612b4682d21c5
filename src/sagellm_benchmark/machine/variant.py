"""Which build of an engine this machine takes: engines come apart for CUDA, ROCm, Ascend and plain processors."""

from __future__ import annotations

from collections.abc import Sequence

from sagellm_benchmark.machine.accelerators import Maker, Variant
from sagellm_benchmark.machine.makers.registry import MAKERS

__all__ = ["Variant", "variant"]


def variant(makers: Sequence[Maker] = MAKERS) -> Variant:
    """Return the build for the accelerators that this machine has, else `cpu`; of several makers', the first's."""
    return next((maker.variant for maker in makers if maker.present()), "cpu")
