"""Against a real llama.cpp: what is found out, and that prompts have the length which the server charges for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from sagellm_benchmark.engines.api import Api
from sagellm_benchmark.engines.base import Server
from sagellm_benchmark.engines.capability import choose_api
from sagellm_benchmark.engines.endpoint import Endpoint
from sagellm_benchmark.engines.llamacpp import LlamaCpp
from sagellm_benchmark.engines.metrics import MetricsWatch
from sagellm_benchmark.engines.tokens import Tokenizer, Usage, find_counter
from sagellm_benchmark.workload.prompts import Prompts
from sagellm_benchmark.workload.workloads import Workload
from tests.fakes.tiny_model import write_tiny

pytestmark = [pytest.mark.engine, pytest.mark.no_cover]

SHAPE = Workload("custom", requests=3, input_tokens=150, output_tokens=4, concurrency=1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A tiny model, as somebody else's server."""
    folder = tmp_path_factory.mktemp("real")
    engine = LlamaCpp(write_tiny(folder), parallel=2, context=2048, log=folder / "server.log")
    with engine.open() as started, Endpoint(started.base_url, api_key=started.api_key).open() as found:
        yield found


def test_it_is_recognised_with_its_facts(server: Server) -> None:
    assert server.engine.name == "llama.cpp"
    assert server.local
    assert server.pids
    assert server.model.parameters is not None
    assert server.model.size_bytes is not None


@pytest.mark.parametrize("api", ["completions", "chat"])
def test_prompts_have_the_length_that_the_server_charges_for(server: Server, api: Api) -> None:
    counter = find_counter(server, choose_api(server, api))
    assert isinstance(counter, Tokenizer)
    prompts = Prompts(SHAPE, 1, counter)
    assert prompts.exact
    charged = Usage(server, api)
    assert {charged.count(prompts.conversation(index)[0].text) for index in (0, 1, 5)} == {150}


def test_later_turns_add_what_they_say(server: Server) -> None:
    counter = find_counter(server, choose_api(server, "completions", turns=2))
    conversation = Prompts(replace(SHAPE, requests=2, turns=2), 1, counter).conversation(0)
    charged = Usage(server, "completions")
    assert charged.count("".join(turn.text for turn in conversation)) == 300


def test_a_prompt_that_is_sent_twice_shows_in_the_hit_rate(server: Server) -> None:
    charged = Usage(server, "completions")
    with MetricsWatch(server) as watch:
        for _ in range(4):
            charged.count("the same words again and again " * 20)
    assert (watch.figures().prefix_hit_rate or 0.0) > 0.2
