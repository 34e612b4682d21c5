"""Read values from answers that may contain anything: each is what it should be, or None."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from sagellm_benchmark.engines.base import Server, Weights
from sagellm_benchmark.errors import RemoteError
from sagellm_benchmark.net.fetch import post_json

_VERSION = re.compile(r"v?\d+(\.\d+)+[-+.\w]{0,60}|b\d{2,7}(-[0-9a-f]{6,40})?")
_DTYPES = {
    "bfloat16": "BF16",
    "float16": "FP16",
    "half": "FP16",
    "float32": "FP32",
    "float": "FP32",
    "fp8": "FP8",
    "w8a8_fp8": "FP8",
    "w8a8_int8": "INT8",
}


def version(value: object) -> str | None:
    """Return a version such as 0.11.0rc2 or b6500-abc123; None for anything else."""
    text = str(value or "").strip()
    return text.removeprefix("v") if _VERSION.fullmatch(text) and not text.startswith("b0-") else None


def count(value: object) -> int | None:
    """Return a whole number above 0 and below 2**60; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**60 else None


def word(value: object) -> str | None:
    """Return one short word of letters, digits and a few marks; None for anything else."""
    return value if isinstance(value, str) and re.fullmatch(r"[\w.+-]{1,40}", value) else None


def load_format(value: object) -> Weights | None:
    """Return which weights vLLM and SGLang load: every format except `dummy` reads them from files."""
    if not isinstance(value, str) or not value:
        return None
    return "dummy" if value == "dummy" else "real"


def mapping(value: object) -> dict[str, Any]:
    """Return the value if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def precision(dtype: object) -> str | None:
    """Return the leaderboard's name for an engine's type, such as bfloat16; None if it has none."""
    return _DTYPES.get(str(dtype).lower())


def options(words: Sequence[str], name: str) -> list[str]:
    """Return the values of an option in a command line, as `--name value` or `--name=value`."""
    apart = [value for option, value in pairwise(words) if option == name]
    return apart + [word.removeprefix(f"{name}=") for word in words if word.startswith(f"{name}=")]


def tokens(answer: object, *path: str) -> int:
    """Return the whole number at `path` of an answer. Raise RemoteError if there is none."""
    value = answer
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise RemoteError(f"the server's answer holds no count at {'.'.join(path)}")
    return value


def post(server: Server, path: str, body: dict[str, Any], timeout_s: float = 10.0) -> Any:
    """Post `body` to `path` and return the JSON of the answer; inside `with server.session`, over one connection.

    Raise RemoteError if the server does not answer, or with an error.
    """
    url = f"{server.base_url}{path}"
    return post_json(url, body, timeout_s=timeout_s, api_key=server.api_key, session=server.session)
