"""Versions of an engine and its parts, of the environment that its own process runs in."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from sagellm_benchmark.engines import packages
from sagellm_benchmark.engines.registry import named

pytestmark = pytest.mark.slow

WAIT = "import sys; print('here', flush=True); sys.stdin.read()"


def environment(folder: Path, installed: Mapping[str, str]) -> Path:
    """A folder that looks like an environment with those packages in it."""
    site = folder / "lib" / "python3.11" / "site-packages"
    for name, version in installed.items():
        metadata = site / f"{name}-{version}.dist-info" / "METADATA"
        metadata.parent.mkdir(parents=True)
        metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to(sys.executable)
    return folder


@contextmanager
def running(*command: str, **env: str) -> Iterator[int]:
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env or None) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        yield process.pid
        process.stdin.close()


def test_an_engine_and_its_components_are_those_of_the_environment_its_process_runs_in(
    tmp_path: Path,
) -> None:
    home = environment(
        tmp_path, {"isagellm": "0.5.4.70", "isagellm_core": "0.5.4.26", "torch": "2.15.0", "other": "1.0"}
    )
    with running(str(home / "bin" / "python"), "-c", WAIT) as pid:
        found = packages.of_processes([pid], named("sagellm"))
    assert found == {"engine": "0.5.4.70", "core": "0.5.4.26", "torch": "2.15.0"}


def test_a_gateway_and_its_engine_may_have_environments_of_their_own(tmp_path: Path) -> None:
    one = environment(tmp_path / "one", {"isagellm_gateway": "0.5.4.14"})
    other = environment(tmp_path / "other", {"isagellm_core": "0.5.4.26"})
    with (
        running(str(one / "bin" / "python"), "-c", WAIT) as gateway,
        running(str(other / "bin" / "python"), "-c", WAIT) as engine,
    ):
        found = packages.of_processes([gateway, engine], named("sagellm"))
    assert found == {"gateway": "0.5.4.14", "core": "0.5.4.26"}


def test_a_python_that_was_called_by_its_name_is_looked_for_as_the_shell_did(tmp_path: Path) -> None:
    home = environment(tmp_path, {"vllm": "0.32.0+cpu"})
    with running("/usr/bin/env", "python", "-c", WAIT, PATH=f"{home / 'bin'}:/usr/bin:/bin") as pid:
        assert packages.of_processes([pid], named("vllm")) == {"engine": "0.32.0+cpu"}


def test_another_program_and_one_that_is_gone_tell_nothing() -> None:
    with running("/bin/sh", "-c", "echo here; read _") as pid:
        assert packages.of_processes([pid], named("vllm")) == {}
    assert packages.of_processes([pid], named("vllm")) == {}
