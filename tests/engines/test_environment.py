"""Environments of engines: found where they are, made from pinned lists with uv or pip, never half."""

from __future__ import annotations

import shutil
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from sagellm_benchmark.engines import environment, packages
from sagellm_benchmark.engines.base import Engine, Launch, Packages
from sagellm_benchmark.engines.environment import Environment
from sagellm_benchmark.engines.known.sagellm import SAGELLM
from sagellm_benchmark.engines.known.vllm import VLLM
from sagellm_benchmark.errors import DataError, UsageError
from tests.fakes.engine_install import install


@pytest.fixture(autouse=True)
def nothing_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without engines: an empty cache and a PATH with the system's commands only."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return tmp_path


def wheel(folder: Path, name: str = "tiny_engine", requires: str = "") -> None:
    """A package of one empty module, as an index would serve it."""
    folder.mkdir(exist_ok=True)
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as file:
        file.writestr(f"{name}.py", "")
        needed = f"Requires-Dist: {requires}\n" if requires else ""
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{needed}")
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/RECORD", "")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages in place of the index."""
    for name, value in {
        "PIP_NO_INDEX": "1",
        "UV_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(tmp_path / "index"),
    }.items():
        monkeypatch.setenv(name, value)
    wheel(tmp_path / "index")
    return tmp_path / "index"


def tiny(**changes: object) -> Engine:
    wanted = replace(Packages(install=("tiny-engine==1.0",)), **changes)  # type: ignore[arg-type]
    launch = Launch(
        command=("{bin}/tiny",), packages=dict.fromkeys(("cpu", "cuda", "rocm", "ascend"), wanted)
    )
    return Engine(name="tiny", distribution="tiny-engine", launch=launch)


def with_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    found = shutil.which("uv", path=str(Path(sys.executable).parent))
    if found is None:
        pytest.skip("no uv here")
    monkeypatch.setattr(environment, "uv_command", lambda: found)


def test_an_engine_that_is_nowhere_is_not_found() -> None:
    assert environment.find(SAGELLM) is None


def test_the_error_for_a_missing_engine_has_the_command_that_brings_it() -> None:
    error = environment.missing(SAGELLM)
    assert isinstance(error, DataError)
    assert "sagellm is not installed" in error.message
    assert "--engine-env create" in str(error.hint)


def test_an_engine_is_found_by_its_command_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = install(tmp_path / "env", "sagellm")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "sagellm").symlink_to(folder / "bin" / "sagellm")
    monkeypatch.setenv("PATH", f"{tmp_path / 'links'}:/usr/bin:/bin")
    assert environment.find(SAGELLM) == Environment(folder)


@pytest.mark.parametrize("place", [".", "bin/python"])
def test_the_environment_that_the_user_names_is_taken(place: str, tmp_path: Path) -> None:
    folder = install(tmp_path / "env", "sagellm")
    assert environment.stated(folder / place, SAGELLM).prefix == folder


def test_an_environment_without_the_engine_is_refused(tmp_path: Path) -> None:
    folder = install(tmp_path / "env", "sagellm")
    for place in (folder, folder / "bin" / "python"):
        with pytest.raises(DataError, match="holds no vllm") as refusal:
            environment.stated(place, VLLM)
        assert refusal.value.hint == f"{folder}/bin/python -m pip install vllm"


def test_an_environment_is_made_with_uv_and_found_afterwards(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_uv(monkeypatch)
    said: list[str] = []
    made = environment.create(tiny(), said.append)
    assert made.prefix.name == "tiny-1.0"
    assert packages.version(made.prefix, "tiny-engine") == "1.0"
    assert environment.find(tiny()) == made


@pytest.mark.slow
def test_without_uv_it_is_made_with_pip(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "uv_command", lambda: None)
    assert environment.create(tiny(), print).has(tiny())


def test_what_is_whole_is_not_made_again(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_uv(monkeypatch)
    made = environment.create(tiny(), print)
    shutil.rmtree(index)
    assert environment.create(tiny(), print) == made


def test_an_interrupted_installation_is_not_taken_for_whole(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_uv(monkeypatch)
    made = environment.create(tiny(), print)
    (made.prefix / environment.DONE).unlink()
    assert environment.find(tiny()) is None
    assert environment.create(tiny(), print).has(tiny())


def test_a_package_that_is_not_to_be_had_is_told_in_the_installers_words(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_uv(monkeypatch)
    with pytest.raises(DataError, match="tiny-engine") as refusal:
        environment.create(tiny(install=("tiny-engine==9.9",)), print)
    assert "--engine-python" in str(refusal.value.hint)


def test_what_a_package_requires_can_be_overridden(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_uv(monkeypatch)
    wheel(index, requires="not-there==1.0")
    unneeded = tiny(overrides=("not-there; python_version < '3'",))
    assert environment.create(unneeded, print).has(unneeded)


def test_a_makers_own_index_goes_before_all_others(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_uv(monkeypatch)
    monkeypatch.delenv("UV_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    index.rename(tmp_path / "tiny-engine")
    page = tmp_path / "tiny-engine" / "index.html"
    page.write_text('<a href="tiny_engine-1.0-py3-none-any.whl">tiny_engine-1.0-py3-none-any.whl</a>')
    theirs = tiny(index=tmp_path.as_uri())
    assert environment.create(theirs, print).has(theirs)


def test_a_python_that_there_are_builds_for_is_asked_for_by_its_version(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_uv(monkeypatch)
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    with pytest.raises(DataError, match=r"3\.1\b"):
        environment.create(tiny(python="3.1"), print)


@pytest.mark.parametrize("need", [{"index": "https://example.org"}, {"python": "3.12"}], ids=str)
def test_what_pip_cannot_do_needs_uv(need: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "uv_command", lambda: None)
    with pytest.raises(UsageError, match="only be installed with uv"):
        environment.create(tiny(**need), print)


def test_overriding_needs_uv(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "uv_command", lambda: None)
    with pytest.raises(UsageError, match="only be installed with uv"):
        environment.create(tiny(overrides=("x==1",)), print)


def test_an_engine_can_be_stated_under_the_name_that_it_asks_for(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_uv(monkeypatch)
    made = environment.create(tiny(stands_for="huge==1.0+cpu"), print)
    assert packages.version(made.prefix, "huge") == "1.0+cpu"


def test_a_machine_without_a_list_is_told_what_to_do() -> None:
    engine = replace(tiny(), launch=Launch(command=("x",)))
    with pytest.raises(UsageError, match="no list of packages of tiny") as refusal:
        environment.create(engine, print)
    assert "--engine-python" in str(refusal.value.hint)


def test_every_pinned_list_begins_with_the_engine_and_its_version() -> None:
    from sagellm_benchmark.engines.registry import OURS  # noqa: PLC0415

    lists = [wanted for engine in OURS if engine.launch for wanted in engine.launch.packages.values()]
    assert lists
    assert all(wanted.version[0].isdigit() for wanted in lists)


def test_the_versions_of_an_engines_components_are_read_from_its_environment(tmp_path: Path) -> None:
    folder = install(tmp_path / "env", "sagellm")
    (site,) = packages.folders(folder)
    core = Path(site) / "isagellm_core-0.5.4.26.dist-info" / "METADATA"
    core.parent.mkdir()
    core.write_text("Metadata-Version: 2.1\nName: isagellm-core\nVersion: 0.5.4.26\n")
    assert packages.versions(folder, SAGELLM) == {"engine": "0.5.4.70", "core": "0.5.4.26"}
