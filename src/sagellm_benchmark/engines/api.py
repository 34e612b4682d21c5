"""The API that all engines speak, in what every request to them has in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Api = Literal["chat", "completions"]

PATHS: dict[Api, str] = {"completions": "/v1/completions", "chat": "/v1/chat/completions"}
"""The path of each API; the preferred one is first."""

Scalar = str | int | float | bool | None

Fields = Mapping[str, Scalar | Mapping[str, Scalar]]
"""Fields of a request's body, by name; a field that is None is not sent."""
