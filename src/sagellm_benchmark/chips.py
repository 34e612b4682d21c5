"""What is known of accelerators by their names. Pure."""

from __future__ import annotations

import re
from typing import Literal, get_args

Vendor = Literal["Intel", "AMD", "NVIDIA", "Huawei", "Unknown", "Other"]
"""A maker of chips, in the words that a row may use; whoever has none of them is Other."""

VENDORS: tuple[Vendor, ...] = get_args(Vendor)

GB_PER_S = {
    "B200": 8000,
    "H200": 4800,
    "H100": 3350,
    "H800": 3350,
    "H20": 4000,
    "A100": 2039,
    "A800": 2039,
    "V100": 1134,
    "RTX 5090": 1792,
    "RTX 4090": 1008,
    "RTX 3090": 936,
    "L40S": 864,
    "L20": 864,
    "A10": 600,
    "T4": 320,
    "L4": 300,
    "910B": 1600,
    "MI300X": 5300,
}
"""Memory bandwidth by chip, the fastest variant of each name, from the makers' data sheets."""


def bandwidth_gb_s(chip: str) -> float | None:
    """GB/s of one chip whose name holds a known one as a word; None of others, processors among them."""
    return next(
        (speed for name, speed in GB_PER_S.items() if re.search(rf"(?<![A-Za-z0-9]){name}(?![0-9])", chip)),
        None,
    )
