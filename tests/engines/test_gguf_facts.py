from __future__ import annotations

import contextlib
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sagellm_benchmark.engines.gguf_facts import (
    facts,
    folder_candidates,
    human_count,
    name_of,
    precision_of,
    shards,
)
from sagellm_benchmark.engines.gguf_header import read_header
from sagellm_benchmark.engines.weights import find
from sagellm_benchmark.errors import DataError
from tests.fakes.tiny_model import write_tiny


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("tiny")).path


def gguf(*, version: int = 3, tensors: int = 0, keys: list[bytes] | None = None, rest: bytes = b"") -> bytes:
    """A file with these parts, right or wrong."""
    entries = keys or []
    return b"GGUF" + struct.pack("<IQQ", version, tensors, len(entries)) + b"".join(entries) + rest


def text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


def key(name: bytes, kind: int, value: bytes) -> bytes:
    return text(name) + struct.pack("<I", kind) + value


def tensor(name: bytes, shape: tuple[int, ...], kind: int = 0, offset: int = 0) -> bytes:
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


@pytest.mark.engine
def test_the_default_model_is_read_as_what_it_is(tmp_path: Path) -> None:
    path = find(None, quantization=None, cache=tmp_path, say=print).path
    found = facts(path)
    assert (found.name, found.parameters, found.precision, found.quantization) == (
        "SmolLM2-135M-Instruct",
        "135M",
        "INT4",
        "Q4_1",
    )
    assert found.weights == "real"
    assert found.context_length == 8192
    assert found.size_bytes == 96_576_768  # as llama.cpp's own /v1/models says


def test_dummy_weights_are_never_taken_for_real_ones(whole: Path, tmp_path: Path) -> None:
    renamed = tmp_path / "Qwen2-7B-Q4_0.gguf"
    renamed.write_bytes(whole.read_bytes())
    assert facts(renamed).weights == "dummy"


@pytest.mark.parametrize("kept", [0, 3, 4, 20, 5_000, -1, -100])
def test_a_file_that_is_cut_off_says_so(whole: Path, tmp_path: Path, kept: int) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(whole.read_bytes()[:kept])
    with pytest.raises(DataError, match=r"cut off|not a GGUF"):
        facts(cut)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.gguf: No such file"):
        facts(tmp_path / "none.gguf")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x89PNG\r\n\x1a\n, a picture", "not a GGUF file"),
        (gguf(version=1), "version 1"),
        (gguf(version=0x03000000), "big-endian"),
        (gguf(tensors=1 << 40), "claims"),
        (gguf(keys=[key(b"a", 8, struct.pack("<Q", 1 << 60))]), "claims a text"),
        (gguf(keys=[key(b"a", 8, struct.pack("<Q", 1 << 20))]), "cut off"),
        (gguf(keys=[key(b"a", 8, struct.pack("<Q", 100 << 20))]), "claims a text of 104,857,600 bytes"),
        (gguf(keys=[key(b"a", 99, b"")]), "unknown kind 99"),
        (gguf(keys=[key(b"a", 9, struct.pack("<IQ", 8, 1 << 50))]), "claims an array"),
        (gguf(keys=[key(b"a", 9, struct.pack("<IQ", 9, 1))]), "unknown kind 9"),
        (gguf(keys=[key(b"a", 9, struct.pack("<IQ", 4, 1000))]), "cut off"),
        (gguf(keys=[key(b"general.alignment", 4, struct.pack("<I", 0))]), "alignment is 0"),
        (gguf(tensors=1, rest=tensor(b"t", ())), "0 dimensions"),
        (gguf(tensors=1, rest=tensor(b"t", (1 << 40, 1 << 40))), "cut off"),
        (gguf(tensors=1, rest=tensor(b"t", (4,), kind=77) + bytes(99)), "unknown type 77"),
        (gguf(keys=[key(b"general.type", 8, text(b"adapter"))]), "holds 'adapter'"),
        (gguf(), "holds a vocabulary"),
    ],
)
def test_a_hostile_header_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "odd.gguf"
    file.write_bytes(content)
    with pytest.raises(DataError, match=reason) as refusal:
        facts(file)
    assert refusal.value.hint


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_damage_to_a_header_is_a_crash(whole: Path, tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(whole.read_bytes())
    header = read_header(whole).data_start
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.one_of(st.integers(0, 600), st.integers(0, header)))
        content[at] = data.draw(st.integers(0, 255))
    file = tmp_path / "odd.gguf"
    file.write_bytes(content)
    with contextlib.suppress(DataError):
        facts(file)


def test_a_value_of_every_kind_is_read(tmp_path: Path) -> None:
    kinds = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
    keys = [key(b"k%d" % kind, kind, struct.pack("<" + code, 1)) for kind, code in kinds.items()]
    file = tmp_path / "kinds.gguf"
    file.write_bytes(gguf(keys=keys))
    assert read_header(file).metadata == dict.fromkeys((f"k{kind}" for kind in kinds), 1)


def test_a_split_model_counts_as_one(tmp_path: Path) -> None:
    for number, name in enumerate((b"a.weight", b"b.weight"), start=1):
        content = gguf(tensors=1, rest=tensor(name, (1_000, 1_000)))
        padded = content + bytes(-len(content) % 32) + bytes(4_000_000)
        (tmp_path / f"Big-7B-F32-0000{number}-of-00002.gguf").write_bytes(padded)
    first = tmp_path / "Big-7B-F32-00001-of-00002.gguf"
    found = facts(first)
    assert (found.name, found.parameters, found.precision, found.quantization) == (
        "Big-7B",
        "2M",
        "FP32",
        None,
    )
    assert found.size_bytes == 8_000_000
    assert list(folder_candidates(tmp_path)) == [first]


def test_a_split_model_without_its_other_part_is_refused(tmp_path: Path) -> None:
    content = gguf(tensors=1, rest=tensor(b"a.weight", (10,)))
    first = tmp_path / "Big-00001-of-00002.gguf"
    first.write_bytes(content + bytes(128))
    with pytest.raises(DataError, match="00002-of-00002"):
        facts(first)


def test_a_claim_of_many_parts_makes_no_long_list() -> None:
    assert len(shards(Path("x-00001-of-99999.gguf"))) == 1_000


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (134_515_008, "135M"),
        (494_032_768, "494M"),
        (999_600_000, "1B"),
        (7_615_616_512, "7.6B"),
        (72_706_203_648, "72.7B"),
        (10, "1M"),
    ],
)
def test_parameters_are_written_as_people_do(count: int, text: str) -> None:
    assert human_count(count) == text


@pytest.mark.parametrize(
    ("kind", "precision"),
    [
        ("F32", "FP32"),
        ("BF16", "BF16"),
        ("Q8_0", "INT8"),
        ("Q6_K", "INT8"),
        ("IQ4_XS", "INT4"),
        ("MXFP4", None),
    ],
)
def test_precision_is_the_narrowest_that_holds_the_type(kind: str, precision: str | None) -> None:
    assert precision_of(kind) == precision


@pytest.mark.parametrize(
    "file",
    [
        "Qwen2-7B-Instruct-Q4_K_M.gguf",
        "Qwen2-7B-Instruct.BF16.gguf",
        "Qwen2-7B-Instruct-UD-IQ2_XXS-00001-of-00003.gguf",
    ],
)
def test_a_models_name_is_the_files_without_its_quantization(file: str) -> None:
    assert name_of(Path(file)) == "Qwen2-7B-Instruct"
