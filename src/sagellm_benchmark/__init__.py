"""Measure how fast an LLM serving engine answers, and publish the number without losing anyone's.

`run`, `load` and `compare` do what the commands of the same names do; docs/library.md shows them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from sagellm_benchmark._version import __version__

if TYPE_CHECKING:
    from sagellm_benchmark.library import Run, Runs, compare, load, run
    from sagellm_benchmark.options.values import Rate

__all__ = ["Rate", "Run", "Runs", "__version__", "compare", "load", "run"]


def __getattr__(name: str) -> Any:
    """Import the library when somebody asks for it: the commands, and `import sagellm_benchmark`, stay quick."""
    if name in __all__:
        return getattr(importlib.import_module("sagellm_benchmark.library"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
