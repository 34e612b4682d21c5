"""A model of two small layers: real llama.cpp loads and runs it in a fraction of a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sagellm_benchmark.engines import dummy
from sagellm_benchmark.engines.architectures import Architecture

if TYPE_CHECKING:
    from pathlib import Path

    from sagellm_benchmark.engines.gguf_facts import Gguf

TINY = Architecture(
    name="Tiny-1M",
    family="qwen2",
    layers=2,
    hidden=64,
    ffn=128,
    heads=2,
    kv_heads=1,
    head_dim=32,
    vocabulary=2_000,
    context=4_096,
    rope_theta=1e6,
    norm_eps=1e-6,
    tied=False,
)


def write_tiny(folder: Path, *, quantization: str = "Q4_0") -> Gguf:
    """Its dummy weights, in `folder`."""
    return dummy.ensure(TINY, quantization=quantization, cache=folder, say=lambda _: None)
