"""Which engine a server runs, and what it says about its model."""

from __future__ import annotations

from functools import cache
from typing import Any

from sagellm_benchmark.engines import registry
from sagellm_benchmark.engines.base import Ask, Card, Engine, SelfReport
from sagellm_benchmark.errors import RemoteError
from sagellm_benchmark.net.fetch import get_json
from sagellm_benchmark.net.session import Session

_PROBE_TIMEOUT_S = 5.0


def identify(base_url: str, card: Card, *, api_key: str | None = None) -> Engine:
    """Return the engine that serves the model in `card`: by its own name, else by its own endpoints, else UNKNOWN."""
    engine = registry.owner(card.get("owned_by"))
    if engine is not None:
        return engine
    ask = asking(base_url, api_key)
    told = (one for one in registry.engines() if one.recognise is not None and one.recognise(ask))
    return next(told, registry.UNKNOWN)


def describe(engine: Engine, base_url: str, card: Card, *, api_key: str | None = None) -> SelfReport:
    """Return what the server says about itself and the model."""
    return engine.describe(asking(base_url, api_key), card)


def asking(base_url: str, api_key: str | None, session: Session | None = None) -> Ask:
    """Return a function that gets a path of a server, each path only once; a path that fails gives an empty object."""

    @cache
    def ask(path: str) -> dict[str, Any]:
        try:
            value = get_json(
                f"{base_url}{path}", timeout_s=_PROBE_TIMEOUT_S, api_key=api_key, session=session
            )
        except RemoteError:
            return {}
        return value if isinstance(value, dict) else {}

    return ask
