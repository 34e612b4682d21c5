"""Which build of an engine this machine takes: engines come apart for CUDA, ROCm, Ascend and plain processors."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pynvml

from sagellm_benchmark.machine import nvidia

Variant = Literal["cpu", "cuda", "rocm", "ascend"]


def variant(devices: Path = Path("/dev"), nvml: Any = pynvml) -> Variant:
    """The accelerators that this machine has, else `cpu`; of several kinds, the rarest."""
    if (devices / "davinci_manager").exists():
        return "ascend"
    with nvidia.opened(nvml) as library:
        if library is not None and nvidia.gpus(library):
            return "cuda"
    return "rocm" if (devices / "kfd").exists() else "cpu"
