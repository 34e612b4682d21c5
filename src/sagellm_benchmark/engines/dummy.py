"""Weights of a known architecture with random values: as fast as the real ones, and meaningless.

They are for machines that cannot reach a model, like `--load-format dummy` of vLLM and SGLang. Every tensor has its
real shape and type, so each step moves and computes what the model would; its text is nonsense.
"""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import psutil

from sagellm_benchmark.engines import capacity, dummy_tokens
from sagellm_benchmark.engines.gguf_facts import WEIGHTS_KEY, Gguf, facts, human_count
from sagellm_benchmark.errors import DataError, UsageError
from sagellm_benchmark.files import cannot_write

if TYPE_CHECKING:
    from sagellm_benchmark.engines.architectures import Architecture

Say = Callable[[str], None]
Blocks = np.ndarray[Any, np.dtype[np.uint8]]

RECIPE = 1  # in the file's name; to be raised whenever the files that are written here change
ALIGNMENT = 32
CHUNK_BYTES = 32 << 20
SAY_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Quantization:
    """A way to store weights: blocks of `values` numbers in `size` bytes, one block per row of an array of bytes.

    `tame` turns random blocks into weights of variance 1/columns. That keeps every layer's output near 1, so nothing
    overflows and no logit is NaN.
    """

    name: str
    values: int
    size: int
    tame: Callable[[Blocks, int], None]


def _scaled(rms: float) -> Callable[[Blocks, int], None]:
    """Return `tame` for blocks that begin with a float16 scale; `rms` is that of the random integers in it."""

    def tame(blocks: Blocks, columns: int) -> None:
        blocks[:, :2] = np.array([1 / (rms * columns**0.5)], dtype="<f2").view(np.uint8)

    return tame


def _tame_float16(blocks: Blocks, columns: int) -> None:
    """Give all numbers one exponent; sign and mantissa stay random: on average, 1.5 times its power of two."""
    exponent = round(-math.log2(1.5 * columns**0.5))
    numbers = blocks.view("<u2")
    numbers &= 0x83FF
    numbers |= (exponent + 15) << 10


QUANTIZATIONS = {
    kind.name: kind
    for kind in (
        Quantization("Q4_0", 32, 18, _scaled(4.64)),  # 32 integers, −8…7
        Quantization("Q8_0", 32, 34, _scaled(73.9)),  # 32 integers, −128…127
        Quantization("F16", 1, 2, _tame_float16),
    )
}


@dataclass(frozen=True, slots=True)
class Part:
    """One tensor to write; `shape` begins with its rows. A one-dimensional tensor is float32, and all of it `fill`."""

    name: str
    shape: tuple[int, ...]
    fill: float = 0.0
    silent_rows: int = 0  # leading rows of zeros; in an output matrix, these tokens are never chosen

    @property
    def elements(self) -> int:
        """How many numbers the tensor has."""
        return math.prod(self.shape)


def parts(architecture: Architecture) -> Iterator[Part]:
    """Yield every tensor of the model, in the order of the file."""
    a = architecture
    silent = dummy_tokens.silent_count(a.vocabulary)
    yield Part("token_embd.weight", (a.vocabulary, a.hidden), silent_rows=silent if a.tied else 0)
    yield Part("output_norm.weight", (a.hidden,), fill=1.0)
    if not a.tied:
        yield Part("output.weight", (a.vocabulary, a.hidden), silent_rows=silent)
    if a.rope_scaled:
        yield Part("rope_freqs.weight", (a.head_dim // 2,), fill=1.0)
    for layer in range(a.layers):
        for part in _layer(a):
            yield replace(part, name=f"blk.{layer}.{part.name}")


def _layer(a: Architecture) -> Iterator[Part]:
    queries, keys = a.heads * a.head_dim, a.kv_heads * a.head_dim
    yield Part("attn_norm.weight", (a.hidden,), fill=1.0)
    for name, width in (("attn_q", queries), ("attn_k", keys), ("attn_v", keys)):
        yield Part(f"{name}.weight", (width, a.hidden))
        if a.qkv_bias:
            yield Part(f"{name}.bias", (width,))
    if a.qk_norm:
        yield Part("attn_q_norm.weight", (a.head_dim,), fill=1.0)
        yield Part("attn_k_norm.weight", (a.head_dim,), fill=1.0)
    yield Part("attn_output.weight", (a.hidden, queries))
    yield Part("ffn_norm.weight", (a.hidden,), fill=1.0)
    yield Part("ffn_gate.weight", (a.ffn, a.hidden))
    yield Part("ffn_up.weight", (a.ffn, a.hidden))
    yield Part("ffn_down.weight", (a.hidden, a.ffn))


def parameters(architecture: Architecture) -> int:
    """Return how many weights the model has, as its makers count them."""
    return sum(part.elements for part in parts(architecture) if part.name != "rope_freqs.weight")


def size_bytes(architecture: Architecture, quantization: Quantization) -> int:
    """Return the size of the tensors in bytes, without the header and the gaps between them."""
    return sum(_part_bytes(part, quantization) for part in parts(architecture))


def _part_bytes(part: Part, quantization: Quantization) -> int:
    if len(part.shape) == 1:
        return part.elements * 4
    return part.elements // quantization.values * quantization.size


def ensure(architecture: Architecture, *, quantization: str | None, cache: Path, say: Say) -> Gguf:
    """Return the dummy weights of an architecture, from the cache folder or written there now.

    Writing 4 GB takes half a minute. Raise UsageError for a quantization that cannot be made up, DataError if disk or
    memory is too small.
    """
    kind = _quantization(quantization)
    path = cache / f"{architecture.name}-dummy{RECIPE}-{kind.name}.gguf"
    size = size_bytes(architecture, kind)
    what = f"{architecture.name} in {kind.name}"
    capacity.check_memory(what, size)
    if not _is_whole(path, size):
        _remove_leftovers(path)
        capacity.check_disk(what, size, path.parent)
        say(f"writing dummy weights for {what}, {size / 1e9:.1f} GB, to {path}")
        _write(path, architecture, kind, say)
    found = replace(facts(path), name=architecture.name)
    return Gguf(path, found, f"dummy weights: the shape of {architecture.name}, random values")


def _quantization(name: str | None) -> Quantization:
    kind = QUANTIZATIONS.get((name or "Q4_0").upper())
    if kind is None:
        raise UsageError(
            f"dummy weights cannot be made in {name}",
            hint=f"choose one of {', '.join(QUANTIZATIONS)}, or give real weights in {name} as a GGUF file",
        )
    return kind


def _is_whole(path: Path, size: int) -> bool:
    """Return whether an earlier run wrote the file completely; a damaged one is written again."""
    try:
        return path.exists() and facts(path).size_bytes == size
    except DataError:
        return False


def _write(path: Path, architecture: Architecture, kind: Quantization, say: Say) -> None:
    """Write the file under a temporary name and rename it; leave nothing behind if that fails."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        _write_header(temporary, architecture, kind)
        with temporary.open("ab") as file:
            _write_weights(file, architecture, kind, say)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def _remove_leftovers(path: Path) -> None:
    """Delete half-written files of killed runs; files of running processes stay."""
    for leftover in path.parent.glob(f"{path.name}.*.tmp"):
        match = re.search(r"\.(\d+)\.tmp$", leftover.name)
        if match and not psutil.pid_exists(int(match.group(1))):
            leftover.unlink(missing_ok=True)


def _write_header(path: Path, architecture: Architecture, kind: Quantization) -> None:
    import gguf

    a = architecture
    writer = gguf.GGUFWriter(path, a.family)
    writer.add_name(f"{a.name} (dummy weights)")
    writer.add_string(WEIGHTS_KEY, "dummy")
    writer.add_size_label(human_count(parameters(a)))
    writer.add_file_type(gguf.LlamaFileType[f"MOSTLY_{kind.name}"])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_context_length(a.context)
    writer.add_embedding_length(a.hidden)
    writer.add_block_count(a.layers)
    writer.add_feed_forward_length(a.ffn)
    writer.add_head_count(a.heads)
    writer.add_head_count_kv(a.kv_heads)
    writer.add_key_length(a.head_dim)
    writer.add_value_length(a.head_dim)
    writer.add_rope_dimension_count(a.head_dim)
    writer.add_rope_freq_base(a.rope_theta)
    writer.add_layer_norm_rms_eps(a.norm_eps)
    writer.add_vocab_size(a.vocabulary)
    dummy_tokens.add_to(writer, a.vocabulary)
    for part in parts(a):
        stored = gguf.GGMLQuantizationType["F32" if len(part.shape) == 1 else kind.name]
        writer.add_tensor_info(
            part.name, part.shape, np.dtype(np.float32), _part_bytes(part, kind), raw_dtype=stored
        )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()


def _write_weights(file: BinaryIO, architecture: Architecture, kind: Quantization, say: Say) -> None:
    rng = np.random.Generator(np.random.SFC64(RECIPE))
    total, done = size_bytes(architecture, kind), 0
    began = said = time.monotonic()
    for part in parts(architecture):
        file.write(bytes(-file.tell() % ALIGNMENT))
        for chunk in _chunks(part, kind, rng):
            file.write(chunk)
            done += len(chunk)
            now = time.monotonic()
            if now - said > SAY_EVERY_S:
                said = now
                left = (now - began) / done * (total - done)
                say(f"  {done / 1e9:.1f} of {total / 1e9:.1f} GB written, about {left:.0f} s left")
    file.write(bytes(-file.tell() % ALIGNMENT))


def _chunks(part: Part, kind: Quantization, rng: np.random.Generator) -> Iterator[memoryview]:
    """Yield the tensor's bytes piece by piece, so that its size costs no memory."""
    if len(part.shape) == 1:
        yield np.full(part.shape, part.fill, dtype="<f4").data.cast("B")
        return
    columns = part.shape[1]
    blocks, silent = part.elements // kind.values, part.silent_rows * columns // kind.values
    step = CHUNK_BYTES // kind.size
    for start in range(0, blocks, step):
        chunk = _random_blocks(min(step, blocks - start), kind.size, rng)
        kind.tame(chunk, columns)
        chunk[: max(0, silent - start)] = 0
        yield chunk.data.cast("B")


def _random_blocks(count: int, size: int, rng: np.random.Generator) -> Blocks:
    words = rng.integers(0, 1 << 64, size=-(-count * size // 8), dtype=np.uint64)
    return words.view(np.uint8)[: count * size].reshape(count, size)
