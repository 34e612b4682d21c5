"""Every known engine: ours, one line each, and those of other installed packages."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from sagellm_benchmark.engines.base import Engine
from sagellm_benchmark.engines.known.llamacpp import LLAMACPP
from sagellm_benchmark.engines.known.llamacpp_python import LLAMACPP_PYTHON
from sagellm_benchmark.engines.known.lmdeploy import LMDEPLOY
from sagellm_benchmark.engines.known.sagellm import SAGELLM
from sagellm_benchmark.engines.known.sglang import SGLANG
from sagellm_benchmark.engines.known.transformers import TRANSFORMERS
from sagellm_benchmark.engines.known.unknown import UNKNOWN, called
from sagellm_benchmark.engines.known.vllm import VLLM
from sagellm_benchmark.errors import UsageError

GROUP = "sagellm_benchmark.engines"
"""The entry point group in which another package offers an `Engine`."""

OURS = (SAGELLM, VLLM, SGLANG, LMDEPLOY, LLAMACPP, LLAMACPP_PYTHON, TRANSFORMERS)
"""The order in which an unnamed server is tried."""

__all__ = ["GROUP", "OURS", "UNKNOWN", "engines", "find", "named", "owner"]


@cache
def engines() -> tuple[Engine, ...]:
    """Return every engine, ours first. Raise UsageError if an entry point cannot be loaded or is not an Engine."""
    return (*OURS, *(_loaded(entry) for entry in entry_points(group=GROUP)))


def find(name: str) -> Engine | None:
    """Return the engine of that name, in any spelling and case; None if there is none."""
    wanted = name.strip().lower()
    every = (*engines(), UNKNOWN)
    return next((one for one in every if wanted in {one.name.lower(), *one.owners}), None)


def named(name: str) -> Engine:
    """Return the engine of that name, even one that nobody registered."""
    return find(name) or called(name)


def owner(word: object) -> Engine | None:
    """Return the engine whose models have this `owned_by`; None if there is none."""
    said = str(word).strip().lower()
    return next((one for one in engines() if said in one.owners), None)


def _loaded(entry: EntryPoint) -> Engine:
    try:
        value = entry.load()
    except (ImportError, AttributeError) as error:
        raise UsageError(
            f"the engine {entry.name!r} of an installed package cannot be loaded: {error}",
            hint=f"fix or remove the package that offers {entry.value} in the group {GROUP}",
        ) from error
    if not isinstance(value, Engine):
        raise UsageError(
            f"{entry.value} is not an Engine, although a package offers it as one",
            hint=f"fix or remove the package that offers it in the group {GROUP}",
        )
    return value
