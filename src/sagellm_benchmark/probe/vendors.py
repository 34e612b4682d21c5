"""The makers of chips that a row may name."""

from __future__ import annotations

VENDORS = ("Intel", "AMD", "NVIDIA", "Huawei", "Unknown", "Other")
