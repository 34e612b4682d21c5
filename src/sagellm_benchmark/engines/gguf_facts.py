"""What a GGUF file says about itself: size, precision, quantization, context. Only the header is read."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, TypeVar

from sagellm_benchmark.engines.base import ModelFacts
from sagellm_benchmark.engines.gguf_header import Header, Tensor, read_header
from sagellm_benchmark.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

AnyPath = TypeVar("AnyPath", bound=PurePath)

WEIGHTS_KEY = "sagellm_benchmark.weights"  # "dummy" in a file that `dummy` wrote
_SHARD = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$")
_GUESSED = 1024  # llama.cpp's flag on general.file_type: the type was guessed
_MIX = re.compile(r"[-._](?:UD-)?(?:I?Q\d\w*|BF16|F(?:16|32))$", re.IGNORECASE)  # the usual end of file names
_FLOATS = {"F32": "FP32", "F16": "FP16", "BF16": "BF16", "F64": "FP32"}
MOST_SHARDS = 1_000


@dataclass(frozen=True, slots=True)
class Gguf:
    """Weights that llama.cpp can load; `source` says in one line where they came from."""

    path: Path
    facts: ModelFacts
    source: str


def facts(path: Path) -> ModelFacts:
    """Return what the file holds, or the split set of which it is the first. Raise DataError if any of it is damaged.

    `weights` is "dummy" for a file that this program wrote, and "real" for any other.
    """
    first = read_header(path)
    headers = [(path, first), *((shard, read_header(shard)) for shard in shards(path)[1:])]
    for file, header in headers:
        _check_data(file, header)
    tensors = [tensor for _, header in headers for tensor in header.tensors]
    _check_model(path, first, tensors)
    main = _main_type(tensors)
    return ModelFacts(
        name=name_of(path),
        parameters=human_count(sum(tensor.elements for tensor in tensors)),
        precision=precision_of(main),
        quantization=_quantization(first, main),
        weights="dummy" if first.metadata.get(WEIGHTS_KEY) == "dummy" else "real",
        size_bytes=sum(_bytes(path, tensor) for tensor in tensors),
        context_length=_context_length(first),
    )


def shards(path: AnyPath) -> list[AnyPath]:
    """Return all files of the split set of which `path` is the first; only itself if it is not part of a set."""
    match = _SHARD.search(path.name)
    if match is None:
        return [path]
    count = min(int(match.group(2)), MOST_SHARDS)
    stem = path.name[: match.start()]
    return [path.with_name(f"{stem}-{number:05}-of-{match.group(2)}.gguf") for number in range(1, count + 1)]


def is_later_shard(name: str) -> bool:
    """Return whether the file is part of a split set, but not the first."""
    match = _SHARD.search(name)
    return match is not None and int(match.group(1)) != 1


def name_of(path: Path) -> str:
    """Return the model's name by its file name, without suffix, shard and quantization."""
    return _MIX.sub("", _SHARD.sub("", path.name).removesuffix(".gguf")) or path.name


def human_count(count: int) -> str:
    """Return a number of parameters as it is usually written: 494M, 7.6B, 72.7B."""
    if count < 999_500_000:
        return f"{max(1, round(count / 1e6))}M"
    return f"{count / 1e9:.1f}".removesuffix(".0") + "B"


def precision_of(type_name: str) -> str | None:
    """Return the leaderboard's name for a ggml type: the narrowest precision that is wide enough.

    None for unusual types.
    """
    if type_name in _FLOATS:
        return _FLOATS[type_name]
    match = re.match(r"I?Q(\d)", type_name)
    if match is None:
        return None
    return "INT4" if int(match.group(1)) <= 4 else "INT8"


def _main_type(tensors: Iterable[Tensor]) -> str:
    """Return the name of the type in which most numbers are stored."""
    weight: Counter[int] = Counter()
    for tensor in tensors:
        weight[tensor.kind] += tensor.elements
    return _type_name(weight.most_common(1)[0][0])


def _quantization(header: Header, main: str) -> str | None:
    """Return the mix that the file states (Q4_K_M), else its main type; None if the weights are not quantized."""
    if main in _FLOATS:
        return None
    stated = header.metadata.get("general.file_type")
    mixes = _constants().LlamaFileType
    if isinstance(stated, int) and (kind := stated & ~_GUESSED) in set(mixes):
        mix = mixes(kind).name.removeprefix("MOSTLY_")
        return mix if precision_of(mix) == precision_of(main) else main
    return main


def _context_length(header: Header) -> int | None:
    value = header.metadata.get(f"{header.metadata.get('general.architecture')}.context_length")
    return value if isinstance(value, int) and value > 0 else None


def _check_model(path: Path, header: Header, tensors: list[Tensor]) -> None:
    kind = header.metadata.get("general.type", "model")
    if kind != "model" or not tensors:
        what = f"{kind!r}" if kind != "model" else "a vocabulary"
        raise DataError(
            f"{path} holds {what}, not a model's weights", hint="give the GGUF file of the model itself"
        )


def _check_data(path: Path, header: Header) -> None:
    """Raise DataError if a tensor does not lie within the file."""
    for tensor in header.tensors:
        end = header.data_start + tensor.offset + _bytes(path, tensor)
        if end > header.file_bytes:
            raise DataError(
                f"{path} is cut off: it has {header.file_bytes:,} bytes, and tensor {tensor.name!r} ends at {end:,}",
                hint="fetch or copy the file again",
            )


def _bytes(path: Path, tensor: Tensor) -> int:
    types = _constants().GGMLQuantizationType
    if tensor.kind not in set(types):
        raise DataError(
            f"{path} is damaged: tensor {tensor.name!r} has the unknown type {tensor.kind}",
            hint="fetch the file again, or a quantization that this version of gguf knows",
        )
    block, size = _constants().GGML_QUANT_SIZES[types(tensor.kind)]
    return -(-tensor.elements // int(block)) * int(size)


def _type_name(kind: int) -> str:
    return str(_constants().GGMLQuantizationType(kind).name)


def _constants() -> Any:
    """Return the module with the file format's constants; the rest of the library is slow to import."""
    from gguf import constants

    return constants


def folder_candidates(folder: Path) -> Iterator[Path]:
    """Yield the models in a folder: every .gguf file except the later files of a split set."""
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() == ".gguf" and file.is_file() and not is_later_shard(file.name):
            yield file
