"""Servers, files and folders that are made to harm whoever measures with them."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sagellm_benchmark.errors import DataError, Exit
from sagellm_benchmark.report.folder import row_of
from sagellm_benchmark.report.table import of_folder
from tests import command
from tests.fakes.openai_server import Script, serving

pytestmark = pytest.mark.slow

EVIL = "evil\x1b]0;owned\x07\x9b2J\u202e\r\n::stop-commands::x\n##[error]y"
RUN = Path(__file__).parent / "data/runs/Q5_record_version_1"
KEY = "sk-very-secret-key"
QUICK = ("--no-calibrate", "--warmup", "0")


def written(folder: Path) -> Iterator[str]:
    """The text of every file of every run."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path.read_bytes().decode("utf-8")


def assert_harmless(text: str) -> None:
    assert not [c for c in text if c != "\n" and not c.isprintable()]
    assert not re.search(r"^\s*::", text, re.MULTILINE)
    assert "##[" not in text


def test_a_name_with_escapes_and_commands_does_nothing_anywhere(tmp_path: Path) -> None:
    with serving(Script(model=EVIL, itl_s=0.001)) as server:
        done = command.run("run", *QUICK, "--base-url", server.base_url, cwd=tmp_path)
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    again = [command.run("report", *more, cwd=tmp_path) for more in ((), ("--json",))]
    for text in (*(one.stdout + one.stderr for one in (done, *again)), *written(tmp_path / "outputs")):
        assert_harmless(text)
    assert "evil" in done.stdout
    for path in tmp_path.rglob("*"):
        assert_harmless(str(path))


def test_a_folder_of_others_may_have_any_name(tmp_path: Path) -> None:
    (tmp_path / "\x1b]0;owned\x07").mkdir()
    done = command.run("report", "\x1b]0;owned\x07", cwd=tmp_path)
    assert done.returncode == Exit.DATA
    assert_harmless(done.stdout + done.stderr)


def test_a_key_that_the_server_gives_back_gets_into_no_folder_and_no_file(tmp_path: Path) -> None:
    script = Script(model=f"model-{KEY}", api_key=KEY, finish=f"length {KEY}", itl_s=0.001)
    with serving(script) as server:
        done = command.run(
            *("run", *QUICK, "--base-url", server.base_url, "--api-key-env", "MY_KEY"),
            cwd=tmp_path,
            env={"MY_KEY": KEY},
        )
    assert "model-***" in done.stdout
    assert KEY not in done.stdout + done.stderr
    assert not [path for path in tmp_path.rglob("*") if KEY in str(path)]
    assert not [text for text in written(tmp_path / "outputs") if KEY in text]


def refused(folder: Path, *arguments: str) -> str:
    """What `run` says of it; it must neither wait, nor fill the memory, nor end in a traceback."""
    done = command.run("run", "--base-url", "http://127.0.0.1:9", *arguments, cwd=folder, timeout=60)
    assert done.returncode == Exit.DATA, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe.toml"
    os.mkfifo(path)
    return path


def test_pipes_and_devices_are_no_files(pipe: Path, tmp_path: Path) -> None:
    zero = tmp_path / "zero.toml"
    zero.symlink_to("/dev/zero")
    assert "is not a file" in refused(tmp_path, "--hardware", str(pipe))
    assert "is not a file" in refused(tmp_path, "--hardware", "/dev/zero")
    assert "is not a file" in refused(tmp_path, "--workload", str(pipe))
    assert "is not a file" in refused(tmp_path, "--workload", str(zero))
    assert "is not a file" in refused(tmp_path, "--dataset", f"mooncake:{pipe}")
    assert "is not a file" in refused(tmp_path, "--dataset", "azure:/dev/zero")


def test_deep_toml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "deep.toml").write_text("a = " + "[" * 100_000)
    assert "nested too deeply" in refused(tmp_path, "--workload", "deep.toml")


def test_a_pipe_is_no_model(pipe: Path, tmp_path: Path) -> None:
    model = pipe.rename(tmp_path / "model.gguf")
    done = command.run("run", "--model", str(model), cwd=tmp_path, timeout=60)
    assert done.returncode in {Exit.DATA, Exit.USAGE}, done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture(params=["a pipe", "a link to /dev/zero", "a link to a key"])
def planted(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Path]:
    """Put what is no plain file in the place of a file of a run, and return the run's folder."""

    def plant(name: str) -> Path:
        run = Path(shutil.copytree(RUN, tmp_path / "run"))
        path = run / name
        path.unlink()
        (tmp_path / "key").write_text(KEY)
        if request.param == "a pipe":
            os.mkfifo(path)
        else:
            path.symlink_to("/dev/zero" if "zero" in request.param else tmp_path / "key")
        return run

    return plant


@pytest.mark.parametrize("name", ["config.json", "summary.json"])
@pytest.mark.parametrize("arguments", [("report",), ("compare", str(RUN))])
def test_a_run_of_others_holds_only_plain_files(
    planted: Callable[[str], Path], name: str, arguments: tuple[str, ...]
) -> None:
    run = planted(name)
    done = command.run(*arguments, str(run), cwd=run.parent, timeout=60)
    assert done.returncode == Exit.DATA, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert KEY not in done.stdout + done.stderr


def test_the_requests_of_a_run_of_others_are_in_a_plain_file(planted: Callable[[str], Path]) -> None:
    with pytest.raises(DataError):
        of_folder(planted("requests.jsonl"))


def test_the_row_of_a_run_of_others_is_in_a_plain_file(planted: Callable[[str], Path]) -> None:
    with contextlib.suppress(DataError):
        assert row_of(planted("Q5_leaderboard.json")) is None
