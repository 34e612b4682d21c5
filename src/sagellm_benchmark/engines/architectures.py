"""The shapes of well-known models, from their published config.json files: enough to make one of the same cost."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import partial
from typing import Literal

Family = Literal["llama", "qwen2", "qwen3"]


@dataclass(frozen=True, slots=True)
class Architecture:
    """The hyperparameters that determine a model's tensors and how it computes with them."""

    name: str
    family: Family  # its name in GGUF; Mistral and SmolLM2 are built like Llama
    layers: int
    hidden: int
    ffn: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    context: int
    rope_theta: float
    norm_eps: float
    tied: bool  # whether the output matrix is the embedding
    rope_scaled: bool = False  # whether there is a tensor of frequency factors, as in Llama 3.1 and later

    @property
    def qkv_bias(self) -> bool:
        """Whether a bias is added to queries, keys and values, as only Qwen2 does."""
        return self.family == "qwen2"

    @property
    def qk_norm(self) -> bool:
        """Whether queries and keys are normalised per head, as only Qwen3 does."""
        return self.family == "qwen3"


def find(name: str) -> Architecture | None:
    """Return the architecture that a model's name means; None if unknown.

    The name's case, organization and tuning suffix make no difference.
    """
    return _BY_KEY.get(_key(name))


def similar(name: str) -> list[str]:
    """Return the known models whose names are most like this one."""
    close = difflib.get_close_matches(_key(name), _BY_KEY, n=3, cutoff=0.7)
    return [_BY_KEY[key].name for key in close]


def _key(name: str) -> str:
    key = re.sub(r"[_ :]", "-", name.rsplit("/", 1)[-1].lower()).removeprefix("meta-")
    key = re.sub(r"-(instruct|chat|base|hf|it|gguf)(?=-|$)", "", key)
    key = re.sub(r"-v(0\.1|0\.2|1\.0)$", "", key)  # the same shape as the name without it
    return re.sub(r"(?<=[a-z])-(?=\d)", "", key)  # llama-3 is llama3


def _model(
    family: Family,
    name: str,
    shape: tuple[int, int, int, int, int],
    *,
    vocabulary: int,
    context: int,
    rope_theta: float,
    norm_eps: float,
    head_dim: int | None = None,
    tied: bool = False,
    rope_scaled: bool = False,
) -> Architecture:
    layers, hidden, ffn, heads, kv_heads = shape
    return Architecture(
        name=name,
        family=family,
        layers=layers,
        hidden=hidden,
        ffn=ffn,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim or hidden // heads,
        vocabulary=vocabulary,
        context=context,
        rope_theta=rope_theta,
        norm_eps=norm_eps,
        tied=tied,
        rope_scaled=rope_scaled,
    )


_qwen2 = partial(_model, "qwen2", context=32_768, rope_theta=1e6, norm_eps=1e-6)
_qwen3 = partial(
    _model, "qwen3", vocabulary=151_936, context=40_960, rope_theta=1e6, norm_eps=1e-6, head_dim=128
)
_llama = partial(_model, "llama", norm_eps=1e-5)
_llama2 = partial(_llama, vocabulary=32_000, context=4_096, rope_theta=1e4)
_llama3 = partial(_llama, vocabulary=128_256, context=8_192, rope_theta=5e5)
_llama31 = partial(_llama3, context=131_072, rope_scaled=True)
_smollm2 = partial(_llama, vocabulary=49_152, context=8_192, rope_theta=1e5, tied=True)

# (layers, hidden, feed-forward, heads, key-value heads)
_QWEN2_05B = (24, 896, 4_864, 14, 2)
_QWEN2_15B = (28, 1_536, 8_960, 12, 2)
_QWEN2_7B = (28, 3_584, 18_944, 28, 4)
_QWEN2_72B = (80, 8_192, 29_568, 64, 8)
_LLAMA_8B = (32, 4_096, 14_336, 32, 8)
_LLAMA_70B = (80, 8_192, 28_672, 64, 8)

TABLE: tuple[Architecture, ...] = (
    _qwen2("Qwen2-0.5B", _QWEN2_05B, vocabulary=151_936, tied=True),
    _qwen2("Qwen2-1.5B", _QWEN2_15B, vocabulary=151_936, tied=True),
    _qwen2("Qwen2-7B", _QWEN2_7B, vocabulary=152_064),
    _qwen2("Qwen2-72B", _QWEN2_72B, vocabulary=152_064),
    _qwen2("Qwen2.5-0.5B", _QWEN2_05B, vocabulary=151_936, tied=True),
    _qwen2("Qwen2.5-1.5B", _QWEN2_15B, vocabulary=151_936, tied=True),
    _qwen2("Qwen2.5-3B", (36, 2_048, 11_008, 16, 2), vocabulary=151_936, tied=True),
    _qwen2("Qwen2.5-7B", _QWEN2_7B, vocabulary=152_064),
    _qwen2("Qwen2.5-14B", (48, 5_120, 13_824, 40, 8), vocabulary=152_064),
    _qwen2("Qwen2.5-32B", (64, 5_120, 27_648, 40, 8), vocabulary=152_064),
    _qwen2("Qwen2.5-72B", _QWEN2_72B, vocabulary=152_064),
    _qwen3("Qwen3-0.6B", (28, 1_024, 3_072, 16, 8), tied=True),
    _qwen3("Qwen3-1.7B", (28, 2_048, 6_144, 16, 8), tied=True),
    _qwen3("Qwen3-4B", (36, 2_560, 9_728, 32, 8), tied=True),
    _qwen3("Qwen3-8B", (36, 4_096, 12_288, 32, 8)),
    _qwen3("Qwen3-14B", (40, 5_120, 17_408, 40, 8)),
    _qwen3("Qwen3-32B", (64, 5_120, 25_600, 64, 8)),
    _llama2("Llama-2-7B", (32, 4_096, 11_008, 32, 32)),
    _llama2("Llama-2-13B", (40, 5_120, 13_824, 40, 40)),
    _llama3("Llama-3-8B", _LLAMA_8B),
    _llama3("Llama-3-70B", _LLAMA_70B),
    _llama31("Llama-3.1-8B", _LLAMA_8B),
    _llama31("Llama-3.1-70B", _LLAMA_70B),
    _llama31("Llama-3.2-1B", (16, 2_048, 8_192, 32, 8), tied=True),
    _llama31("Llama-3.2-3B", (28, 3_072, 8_192, 24, 8), tied=True),
    _llama31("Llama-3.3-70B", _LLAMA_70B),
    _llama("Mistral-7B", _LLAMA_8B, vocabulary=32_000, context=32_768, rope_theta=1e4),
    _llama("Mistral-7B-v0.3", _LLAMA_8B, vocabulary=32_768, context=32_768, rope_theta=1e6),
    _llama("TinyLlama-1.1B", (22, 2_048, 5_632, 32, 4), vocabulary=32_000, context=2_048, rope_theta=1e4),
    _smollm2("SmolLM2-135M", (30, 576, 1_536, 9, 3)),
    _smollm2("SmolLM2-360M", (32, 960, 2_560, 15, 5)),
    _smollm2("SmolLM2-1.7B", (24, 2_048, 8_192, 32, 32), rope_theta=1.3e5),
)

_BY_KEY = {_key(architecture.name): architecture for architecture in TABLE}
