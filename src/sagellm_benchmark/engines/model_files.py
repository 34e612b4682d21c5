"""Facts about weights on this machine of which a server states only the path, read from their headers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from sagellm_benchmark.engines import gguf_facts, said
from sagellm_benchmark.engines.base import ModelFacts
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import read_regular

_LENGTH_BYTES = 8  # of the number before a safetensors header, little-endian
_LONGEST_HEADER = 64 << 20  # bytes; the format allows 100 MB
_MOST_FILES = 1000


def facts(
    name: str, place: str | None, computed: Callable[[str | None], str | None] = lambda _stated: None
) -> ModelFacts:
    """Return what is known about the weights at `place`, a GGUF file or a folder of safetensors.

    `computed` returns the precision in which a folder's weights are computed, given that in its config.json. Nothing is
    known about packed weights, or about any other place.
    """
    unknown = ModelFacts(name)
    path = Path(place or "")
    try:
        if not path.is_absolute():
            return unknown
        if path.suffix == ".gguf" and path.is_file():
            return gguf_facts.facts(path)
        config = _config(path) if (path / "config.json").is_file() else None
        if config is None:
            return unknown
        counted, precision = said.count(_parameters(path)), computed(_stated_precision(config))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, DataError):  # it may be any file
        return unknown
    parameters = gguf_facts.human_count(counted) if counted else None
    return ModelFacts(name, parameters=parameters, precision=precision)


def _config(folder: Path) -> dict[str, Any] | None:
    """Return a folder's config.json; None if the weights are packed, since it then does not say enough."""
    config = orjson.loads(read_regular((folder / "config.json").resolve(), _LONGEST_HEADER))
    return None if not isinstance(config, dict) or config.get("quantization_config") else config


def _stated_precision(config: Mapping[str, Any]) -> str | None:
    return said.precision(config.get("dtype") or config.get("torch_dtype"))


def _parameters(folder: Path) -> int | None:
    """Return how many numbers all weights have; None if there are none."""
    files = sorted(folder.glob("*.safetensors"))[:_MOST_FILES]
    return sum(math.prod(shape) for file in files for shape in _shapes(file)) or None


def _shapes(file: Path) -> list[list[int]]:
    """Return the shape of each tensor in a file. Raise ValueError, or an error of decoding, for any other file."""
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(_LENGTH_BYTES), "little")
        if length > _LONGEST_HEADER:
            raise ValueError(f"{file} has a header of {length} bytes")
        header: Any = orjson.loads(opened.read(length))
    tensors = [value for key, value in header.items() if key != "__metadata__"]
    return [[int(size) for size in tensor["shape"]] for tensor in tensors]
