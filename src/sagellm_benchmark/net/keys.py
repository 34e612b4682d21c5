"""API keys: sent in one header, and removed from everything that is kept or shown."""

from __future__ import annotations

from typing import Any

from sagellm_benchmark.errors import UsageError

BLOT = "***"  # in place of a key
_LEAST_KEY = 6  # characters; a shorter key is no secret, and would be found inside ordinary words


def bearer(api_key: str) -> str:
    """Return the Authorization header's value. Raise UsageError, without the key, if a header cannot carry the key."""
    if not api_key.isascii() or not api_key.isprintable() or " " in api_key:
        raise UsageError(
            "the API key holds characters that an HTTP header cannot carry",
            hint="look for a line break or a blank around the key in the variable named by --api-key-env",
        )
    return f"Bearer {api_key}"


def without(value: Any, api_key: str | None) -> Any:
    """Return a JSON value with *** for each echo of the key, because names in the value get into folders and rows."""
    if not api_key or len(api_key) < _LEAST_KEY:
        return value
    if isinstance(value, str):
        return value.replace(api_key, BLOT)
    if isinstance(value, list):
        return [without(item, api_key) for item in value]
    if isinstance(value, dict):
        return {without(name, api_key): without(item, api_key) for name, item in value.items()}
    return value
