"""Which API a server answers and which fields it takes, found out with few requests."""

from __future__ import annotations

from typing import Any

import pytest

from sagellm_benchmark.engines.base import ModelFacts, Server
from sagellm_benchmark.engines.capability import choose_api
from sagellm_benchmark.engines.registry import named
from sagellm_benchmark.errors import RemoteError
from sagellm_benchmark.net.failures import StatusError
from tests.fakes.openai_server import Script
from tests.fakes.openai_server import serving as fake_llm
from tests.fakes.routes import Answer, serving

EVENT = b"".join(
    b"data: %b\n\n" % event
    for event in (
        b'{"choices": [{"text": "x"}]}',
        b'{"choices": [], "usage": {"prompt_tokens": 3}}',
        b"[DONE]",
    )
)


def server(base_url: str, engine: str = "unknown", api_key: str | None = None) -> Server:
    return Server(base_url, "m", named(engine), None, ModelFacts("m"), local=True, api_key=api_key)


def refusing(*refused: str) -> Any:
    """A completions API that does not know some fields."""

    def answer(body: dict[str, Any]) -> Answer:
        unknown = [name for name in refused if name in body]
        return (400, {"error": {"message": f"unknown field {unknown}"}}) if unknown else (200, EVENT)

    return answer


def test_completions_go_before_chat_and_one_request_is_enough() -> None:
    with fake_llm() as fake:
        found = choose_api(server(fake.base_url))
        assert found.api == "completions"
        assert found.exact_output
        assert found.usage
        assert found.prompt_tokens == 1
        assert found.extra == {
            "temperature": 0,
            "ignore_eos": True,
            "stream_options": {"include_usage": True},
        }
        assert len(fake.requests) == 1
        assert fake.requests[0].body["max_tokens"] == 1


def test_a_chat_only_server_is_measured_through_chat() -> None:
    with fake_llm(Script(apis=("chat",))) as fake:
        assert choose_api(server(fake.base_url)).api == "chat"


def test_the_wanted_api_is_taken() -> None:
    with fake_llm() as fake:
        assert choose_api(server(fake.base_url), "chat").api == "chat"
        assert [request.path for request in fake.requests] == ["/v1/chat/completions"]


def test_a_wanted_api_that_is_not_there_is_an_error_with_a_way_out() -> None:
    with (
        fake_llm(Script(apis=("chat",))) as fake,
        pytest.raises(RemoteError, match="no usable completions") as caught,
    ):
        choose_api(server(fake.base_url), "completions")
    assert "--api auto" in str(caught.value.hint)


def test_a_server_with_neither_api_says_what_it_answered() -> None:
    with fake_llm(Script(apis=())) as fake, pytest.raises(RemoteError, match="404") as caught:
        choose_api(server(fake.base_url))
    assert caught.value.message.count("answers 404") == 2  # a port may hold those digits, too


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_a_status_that_is_no_answer_to_the_question_is_reported_as_it_is(status: int) -> None:
    with fake_llm(Script(status=status)) as fake:
        with pytest.raises(StatusError) as caught:
            choose_api(server(fake.base_url))
        assert caught.value.status == status
        assert len(fake.requests) == 1


@pytest.mark.parametrize(
    ("refused", "ignore_eos", "usage_asked", "greedy"),
    [
        (("ignore_eos",), False, True, True),
        (("stream_options",), True, False, True),
        (("ignore_eos", "temperature"), False, True, False),
        (("ignore_eos", "stream_options", "temperature"), False, False, False),
    ],
)
def test_fields_that_a_strict_server_refuses_are_left_out(
    refused: tuple[str, ...], ignore_eos: bool, usage_asked: bool, greedy: bool
) -> None:
    with serving({"POST /v1/completions": refusing(*refused)}) as fake:
        found = choose_api(server(fake.base_url))
        assert found.exact_output is ignore_eos
        assert (found.extra["stream_options"] is not None) is usage_asked
        assert ("temperature" in found.extra) is greedy
        assert len(fake.requests) <= 5


def test_a_stream_without_usage_is_noticed() -> None:
    with fake_llm(Script(usage=False)) as fake:
        found = choose_api(server(fake.base_url))
        assert not found.usage
        assert found.prompt_tokens is None


def test_a_server_that_does_not_stream_still_tells_its_api() -> None:
    with fake_llm(Script(stream=False)) as fake:
        assert choose_api(server(fake.base_url)).usage


@pytest.mark.parametrize(("turns", "said"), [(1, True), (3, False)])
def test_llamacpp_is_told_not_to_look_for_prefixes_where_there_are_none(turns: int, said: bool) -> None:
    with fake_llm() as fake:
        found = choose_api(server(fake.base_url, "llama.cpp"), turns=turns)
        assert (found.extra.get("cache_prompt") is False) is said


def test_an_error_inside_the_stream_counts_as_its_status() -> None:
    error = b'data: {"error": {"message": "only chat here", "code": 404}}\n\n'
    with serving({"POST /v1/completions": (200, error), "POST /v1/chat/completions": (200, EVENT)}) as fake:
        assert choose_api(server(fake.base_url)).api == "chat"


def test_an_error_object_without_a_code_counts_as_a_bad_request() -> None:
    error = {"object": "error", "message": "no", "code": None}
    with serving({"POST /v1/completions": (200, error), "POST /v1/chat/completions": (200, EVENT)}) as fake:
        assert choose_api(server(fake.base_url)).api == "chat"


def test_a_page_in_place_of_an_answer_is_no_llm_server() -> None:
    with (
        serving({"POST /v1/completions": (200, b"<html>hello</html>")}) as fake,
        pytest.raises(RemoteError, match="does not look like an LLM server"),
    ):
        choose_api(server(fake.base_url))


def test_the_key_goes_along() -> None:
    with fake_llm(Script(api_key="k1")) as fake:
        assert choose_api(server(fake.base_url, api_key="k1")).api == "completions"


def test_a_server_that_stalls_is_given_up() -> None:
    with fake_llm(Script(ttft_s=30)) as fake, pytest.raises(RemoteError, match="does not answer within"):
        choose_api(server(fake.base_url), timeout_s=0.3)


def test_an_event_whose_data_is_in_several_lines_is_one_object() -> None:
    lines = b'data: {"model": "m",\ndata:  "usage": {"prompt_tokens": 3}}\n\ndata: [DONE]\n\n'
    with serving({"POST /v1/completions": (200, lines)}) as fake:
        found = choose_api(server(fake.base_url))
    assert (found.prompt_tokens, found.model) == (3, "m")
