"""A new version of an engine is a new measurement, however the engine comes to be there."""

from __future__ import annotations

from pathlib import Path

import pytest

from sagellm_benchmark.engines import environment
from sagellm_benchmark.engines.known.vllm import VLLM
from sagellm_benchmark.matrix.versions import version_of
from tests.fakes.engine_install import install
from tests.fakes.openai_server import Script, serving


@pytest.fixture(autouse=True)
def nothing_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No engine is installed, and none in the cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")


def test_an_engine_to_be_started_has_the_version_of_its_environment(tmp_path: Path) -> None:
    for number in ("0.32.0", "0.33.0"):
        venv = install(tmp_path / number, "vllm", version=number)
        assert version_of({"engine": "vllm", "engine-python": str(venv), "model": "m"}) == number


def test_an_environment_to_be_made_has_the_version_of_its_list_before_and_after() -> None:
    asked = {"engine": "vllm", "engine-env": "create", "model": "m"}
    before = version_of(asked)
    made = install(environment.home(VLLM), "vllm", version="0.0.1")
    (made / environment.DONE).write_text("")
    assert version_of(asked) == before == environment.pinned(VLLM)


def test_an_engine_that_is_not_installed_has_none(tmp_path: Path) -> None:
    assert version_of({"engine": "vllm", "model": "m"}) is None
    assert version_of({"engine": "vllm", "engine-python": str(tmp_path), "model": "m"}) is None


def test_a_command_of_ones_own_says_none() -> None:
    assert version_of({"launch": "my-server {model} {port}", "model": "m"}) is None


@pytest.mark.slow
def test_a_running_server_states_its_own() -> None:
    with serving(Script(version="9.9")) as server:
        assert version_of({"base-url": server.base_url}) == "9.9"


def test_a_server_that_does_not_answer_has_none() -> None:
    assert version_of({"base-url": "http://127.0.0.1:9"}) is None
