"""Finding a server by its address, and the model on it, without ever putting one in another's place."""

from __future__ import annotations

from typing import Any

import pytest

from sagellm_benchmark.engines.endpoint import Endpoint, choose_model
from sagellm_benchmark.engines.registry import named
from sagellm_benchmark.errors import RemoteError, UsageError
from sagellm_benchmark.net.failures import StatusError
from tests.fakes.openai_server import Script
from tests.fakes.openai_server import serving as fake_llm
from tests.fakes.routes import Routes, closed_port, serving

KEY = "sk-0123456789"


def models(*ids: str, **more: Any) -> Routes:
    return {"GET /v1/models": (200, {"data": [{"id": name, **more} for name in ids]})}


def test_the_only_model_is_taken_when_none_is_named() -> None:
    with serving(models("org/model-7b")) as fake, Endpoint(f"{fake.base_url}/v1").open() as server:
        assert server.base_url == fake.base_url
        assert server.served_model == "org/model-7b"
        assert server.model.name == "org/model-7b"


def test_a_named_model_is_found_among_others() -> None:
    with serving(models("a", "b")) as fake, Endpoint(fake.base_url, model="b").open() as server:
        assert server.served_model == "b"


@pytest.mark.parametrize(
    ("served", "wanted"),
    [
        ("Qwen/Qwen2-7B", "Qwen2-7B"),
        ("qwen2-7b", "Qwen2-7B"),
        ("Qwen2-7B", "Qwen/Qwen2-7B"),
    ],
)
def test_a_name_may_differ_in_case_and_folder_and_stays_as_the_user_wrote_it(
    served: str, wanted: str
) -> None:
    with serving(models(served, "other")) as fake, Endpoint(fake.base_url, model=wanted).open() as server:
        assert server.served_model == served
        assert server.model.name == wanted


@pytest.mark.parametrize(
    ("served", "wanted", "name"),
    [
        ("/home/me/models/Qwen2-7B", "/home/me/models/Qwen2-7B", "Qwen2-7B"),
        ("/models/A-Q4_0.gguf", "A-Q4_0.gguf", "A"),
        ("~/models/A/", "~/models/A/", "A"),
    ],
)
def test_a_path_is_shown_by_its_last_part_whoever_wrote_it(served: str, wanted: str, name: str) -> None:
    with serving(models(served, "other")) as fake, Endpoint(fake.base_url, model=wanted).open() as server:
        assert server.served_model == served
        assert server.model.name == name


def test_an_exact_name_goes_before_one_that_differs_in_case() -> None:
    assert choose_model([{"id": "Model"}, {"id": "model"}], "model") == {"id": "model"}


@pytest.mark.parametrize("wanted", ["Qwen2-70B", "Qwen2", "7B", "wen2-7B"])
def test_a_model_that_is_not_served_is_an_error_that_lists_what_is(wanted: str) -> None:
    with pytest.raises(UsageError, match="Qwen/Qwen2-7B, llama") as caught:
        choose_model([{"id": "Qwen/Qwen2-7B"}, {"id": "llama"}], wanted)
    assert wanted in caught.value.message


def test_an_ambiguous_name_is_an_error() -> None:
    with pytest.raises(UsageError, match="several"):
        choose_model([{"id": "one/model"}, {"id": "two/model"}], "model")


def test_several_models_and_none_named_is_an_error_that_lists_them() -> None:
    with pytest.raises(UsageError, match="a, b"):
        choose_model([{"id": "a"}, {"id": "b"}], None)


@pytest.mark.parametrize(
    "listing", [{"data": []}, {"data": [{}, {"id": ""}, 7]}, {"data": "x"}, [], {"models": []}, 3, None]
)
def test_a_listing_without_a_model_is_no_ready_llm_server(listing: Any) -> None:
    with (
        serving({"GET /v1/models": (200, listing)}) as fake,
        pytest.raises(RemoteError, match="lists no model"),
        Endpoint(fake.base_url).open(),
    ):
        pass


def test_another_web_server_is_told_apart() -> None:
    with fake_llm(Script(llm=False)) as fake, pytest.raises(RemoteError, match="does not look like an LLM"):  # noqa: SIM117
        with Endpoint(fake.base_url).open():
            pass


def test_a_wrong_key_is_reported_with_its_status_and_not_shown() -> None:
    with fake_llm(Script(api_key="right")) as fake, pytest.raises(StatusError) as caught:  # noqa: SIM117
        with Endpoint(fake.base_url, api_key=KEY).open():
            pass
    assert caught.value.status == 401
    assert KEY not in caught.value.message


def test_the_right_key_opens_and_is_not_part_of_what_a_log_would_show() -> None:
    with fake_llm(Script(api_key=KEY)) as fake, Endpoint(fake.base_url, api_key=KEY).open() as server:
        assert server.api_key == KEY
        assert KEY not in repr(server)
        assert KEY not in repr(Endpoint(fake.base_url, api_key=KEY))


def test_an_unreachable_server_is_a_remote_error() -> None:
    with pytest.raises(RemoteError, match="refused"), Endpoint(f"http://127.0.0.1:{closed_port()}").open():
        pass


def test_what_the_caller_states_goes_before_what_the_server_says() -> None:
    meta = {"n_params": 7_000_000_000, "size": 10, "ftype": "Q4_0", "n_ctx": 512}
    with serving(models("m", owned_by="llamacpp", meta=meta)) as fake:
        stated = Endpoint(fake.base_url, engine_version="9", precision="FP8", weights="real")
        with stated.open() as server:
            assert (server.engine.name, server.engine_version) == ("llama.cpp", "9")
            assert server.model.precision == "FP8"
            assert server.model.parameters == "7B"
            assert server.model.quantization == "Q4_0"
            assert server.model.weights == "real"
            assert server.model.size_bytes == 10
            assert server.model.context_length == 512


def test_a_path_on_the_servers_disk_is_shown_by_its_last_part() -> None:
    with serving(models("/srv/models/Tiny.Q4_0.gguf")) as fake, Endpoint(fake.base_url).open() as server:
        assert server.served_model == "/srv/models/Tiny.Q4_0.gguf"
        assert server.model.name == "Tiny"


def test_a_server_of_this_machine_is_local_and_its_process_known() -> None:
    with serving(models("m")) as fake, Endpoint(fake.base_url).open() as server:
        assert server.local
        assert server.pids


def test_an_engine_that_says_its_name_is_not_called_by_another() -> None:
    with serving(models("m", owned_by="vllm")) as fake, pytest.raises(UsageError) as caught:  # noqa: SIM117
        with Endpoint(fake.base_url, engine="sagellm").open():
            pass
    assert "sagellm" in caught.value.message
    assert "vllm" in caught.value.message


@pytest.mark.parametrize("stated", ["vllm", "vLLM", " VLLM"])
def test_an_engine_may_be_called_by_its_own_name(stated: str) -> None:
    with (
        serving(models("m", owned_by="vllm")) as fake,
        Endpoint(fake.base_url, engine=stated).open() as server,
    ):
        assert server.engine is named("vllm")


@pytest.mark.parametrize(("stated", "name"), [("mine", "mine"), ("SGLang", "sglang"), ("openai", "unknown")])
def test_a_server_that_does_not_say_its_name_is_called_as_the_user_does(stated: str, name: str) -> None:
    with serving(models("m")) as fake, Endpoint(fake.base_url, engine=stated).open() as server:
        assert server.engine.name == name
