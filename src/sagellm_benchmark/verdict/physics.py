"""The least time that a step of decoding can take: memory has to deliver every active weight once. Pure."""

from __future__ import annotations

import numpy as np

from sagellm_benchmark.board.plausible import BYTES_PER_WEIGHT, TOKENS_PER_STEP, active_billions
from sagellm_benchmark.chips import bandwidth_gb_s
from sagellm_benchmark.engines import architectures
from sagellm_benchmark.engines.base import ModelFacts
from sagellm_benchmark.machine.hardware import Hardware
from sagellm_benchmark.verdict.columns import known
from sagellm_benchmark.verdict.evidence import Evidence, Findings, NotChecked

MAX_SPARSITY = 30  # the sparsest mixtures of experts read about a 27th of their weights in a step


def step_floor_s(model: ModelFacts, hardware: Hardware) -> float | None:
    """Return the bytes of the active weights / the bandwidth of all chips, in seconds; None if either is unknown."""
    active, bandwidth = active_bytes(model), memory_bytes_per_s(hardware)
    return None if active is None or not bandwidth else active / bandwidth


def active_bytes(model: ModelFacts) -> float | None:
    """Return the bytes that a step reads, by the model's parameters and precision, or else by the weights' size.

    The weights count whole if the architecture is known. If not, the model may be the sparsest mixture of experts.
    None if the size is unknown, too.
    """
    billions, width = active_billions(model.parameters or ""), BYTES_PER_WEIGHT.get(model.precision or "")
    if billions is not None and width is not None:
        return billions * 1e9 * width
    if model.size_bytes is None:
        return None
    return model.size_bytes / (1 if architectures.find(model.name) is not None else MAX_SPARSITY)


def memory_bytes_per_s(hardware: Hardware) -> float | None:
    """Return the bandwidth of all chips together, from the driver or else from the maker's data; None if unknown."""
    if hardware.memory_bytes_per_s is not None:
        return hardware.memory_bytes_per_s
    each = None if hardware.chip_model is None else bandwidth_gb_s(hardware.chip_model)
    return None if each is None else each * 1e9 * (hardware.chip_count or 1)


def memory_feeds_it(e: Evidence) -> Findings:
    """Check that no stream decodes faster than memory can deliver the active weights, which each step reads once."""
    if e.step_floor_s is None:
        yield NotChecked("memory bandwidth: the size of the weights or the chip's bandwidth is not known")
        return
    step = known(e.columns.itl_s)
    if not len(step):
        return
    bound = e.step_floor_s / TOKENS_PER_STEP
    if float(np.median(step)) < bound:
        yield (
            f"one token every {np.median(step) * 1e3:.2f} ms is faster than memory can deliver the weights: "
            f"{bound * 1e3:.2f} ms even at {TOKENS_PER_STEP} tokens per step; "
            "check --hardware, --parameters and which model is served"
        )
