"""Counting a prompt's tokens on the server that is measured: its tokenizer where it agrees, else its usage."""

from __future__ import annotations

from typing import Any

import pytest

from sagellm_benchmark.engines.api import Api
from sagellm_benchmark.engines.base import ModelFacts, Server
from sagellm_benchmark.engines.capability import Capabilities
from sagellm_benchmark.engines.registry import named
from sagellm_benchmark.engines.tokens import Tokenizer, Usage, find_counter
from sagellm_benchmark.errors import RemoteError
from tests.fakes.openai_server import Script
from tests.fakes.openai_server import serving as fake_llm
from tests.fakes.routes import Answer, Routes, serving


def server(base_url: str, engine: str) -> Server:
    return Server(base_url, "m", named(engine), None, ModelFacts("m"), local=True)


def able(api: Api = "completions", prompt_tokens: int | None = 1, usage: bool = True) -> Capabilities:
    return Capabilities(api, exact_output=True, usage=usage, prompt_tokens=prompt_tokens)


def words(text: str) -> int:
    return len(text.split())


def llamacpp_tokens(body: dict[str, Any]) -> Answer:
    assert body["add_special"]
    assert body["parse_special"]
    return 200, {"tokens": list(range(words(body["content"]) + 1))}


def llamacpp_template(body: dict[str, Any]) -> Answer:
    return 200, {"prompt": f"<system> <user> {body['messages'][0]['content']} <assistant>"}


LLAMACPP: Routes = {"POST /tokenize": llamacpp_tokens, "POST /apply-template": llamacpp_template}


def test_llamacpp_tokenizes_a_prompt() -> None:
    with serving(LLAMACPP) as fake:
        counter = find_counter(server(fake.base_url, "llama.cpp"), able(prompt_tokens=2))
        assert isinstance(counter, Tokenizer)
        assert counter.cheap
        assert counter.count("one two three") == 4


def test_llamacpp_renders_a_chat_before_it_tokenizes() -> None:
    with serving(LLAMACPP) as fake:
        counter = find_counter(server(fake.base_url, "llama.cpp"), able("chat", prompt_tokens=5))
        assert isinstance(counter, Tokenizer)
        assert counter.count("one two three") == 7


@pytest.mark.parametrize("engine", ["vllm", "sglang", "sagellm"])
def test_vllm_and_its_kin_count_prompts_and_messages(engine: str) -> None:
    def tokenize(body: dict[str, Any]) -> Answer:
        assert body["model"] == "m"
        text = body["messages"][0]["content"] + " a b" if "messages" in body else body["prompt"]
        return 200, {"tokens": [], "count": words(text), "max_model_len": 9}

    with serving({"POST /tokenize": tokenize}) as fake:
        prompt = find_counter(server(fake.base_url, engine), able())
        chat = find_counter(server(fake.base_url, engine), able("chat", prompt_tokens=3))
        assert prompt is not None
        assert chat is not None
        assert (prompt.count("x y"), chat.count("x y")) == (2, 4)


def test_lmdeploy_encodes_and_applies_its_template_when_told() -> None:
    def encode(body: dict[str, Any]) -> Answer:
        return 200, {"input_ids": [], "length": words(body["input"]) + 5 * body["do_preprocess"]}

    with serving({"POST /v1/encode": encode}) as fake:
        prompt = find_counter(server(fake.base_url, "lmdeploy"), able())
        chat = find_counter(server(fake.base_url, "lmdeploy"), able("chat", prompt_tokens=6))
        assert prompt is not None
        assert chat is not None
        assert (prompt.count("x y"), chat.count("x y")) == (2, 7)


def test_a_tokenizer_that_disagrees_with_usage_is_not_believed() -> None:
    with serving(LLAMACPP) as fake:
        assert isinstance(find_counter(server(fake.base_url, "llama.cpp"), able(prompt_tokens=30)), Usage)


def test_a_tokenizer_is_believed_where_there_is_no_usage_to_compare() -> None:
    with serving(LLAMACPP) as fake:
        found = find_counter(server(fake.base_url, "llama.cpp"), able(prompt_tokens=None, usage=False))
        assert isinstance(found, Tokenizer)


@pytest.mark.parametrize("engine", ["vllm", "llama.cpp", "lmdeploy", "unknown", "somebody's"])
def test_without_a_tokenizer_the_usage_counts(engine: str) -> None:
    with fake_llm(Script(tokenizer=False)) as fake:
        counter = find_counter(server(fake.base_url, engine), able())
        assert counter is not None
        assert not counter.cheap
        assert counter.count("a b c d") == 4
        assert fake.requests[-1].body["max_tokens"] == 1


def test_with_neither_nobody_counts() -> None:
    with fake_llm(Script(tokenizer=False, usage=False)) as fake:
        assert find_counter(server(fake.base_url, "vllm"), able(prompt_tokens=None, usage=False)) is None


@pytest.mark.parametrize("answer", [{}, [], {"count": "7"}, {"count": True}, {"count": -1}, None, 7])
def test_a_count_that_is_none_is_a_remote_error(answer: Any) -> None:
    with serving({"POST /tokenize": (200, answer)}) as fake:
        assert find_counter(server(fake.base_url, "vllm"), able(usage=False)) is None


@pytest.mark.parametrize(
    "routes",
    [
        {"POST /tokenize": (200, {"tokens": 3})},
        {"POST /apply-template": (200, {"prompt": None}), "POST /tokenize": llamacpp_tokens},
        {"POST /apply-template": (200, []), "POST /tokenize": llamacpp_tokens},
    ],
)
def test_a_damaged_llamacpp_answer_falls_back(routes: Routes) -> None:
    with serving(routes) as fake:
        api: Api = "chat" if "POST /apply-template" in routes else "completions"
        assert find_counter(server(fake.base_url, "llama.cpp"), able(api, usage=False)) is None


def test_usage_that_is_missing_later_is_a_remote_error() -> None:
    with (
        serving({"POST /v1/completions": (200, {"choices": []})}) as fake,
        pytest.raises(RemoteError, match="no count"),
    ):
        Usage(server(fake.base_url, "unknown"), "completions").count("x")
