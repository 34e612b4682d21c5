"""Which evidence a run's tokens are counted by, where streams carry no usage."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sagellm_benchmark.engines import counting, tokenizer_file
from sagellm_benchmark.engines.base import ModelFacts, Server
from sagellm_benchmark.engines.capability import choose_api
from sagellm_benchmark.engines.counting import AnswerTokens, Counting, Proof
from sagellm_benchmark.engines.registry import named
from sagellm_benchmark.engines.tokens import Templated, Usage
from sagellm_benchmark.errors import DataError
from tests.fakes.engines import STAND_INS
from tests.fakes.openai_server import Script, serving

SAGELLM = replace(STAND_INS["sagellm"], ttft_s=0.0, itl_s=0.0)


def words(text: str) -> int:
    return len(text.split())


def planned(script: Script, engine: str, tokens: counting.TextTokens | None = None) -> Counting:
    with serving(script) as fake:
        server = Server(fake.base_url, script.model, named(engine), None, ModelFacts("m"), local=True)
        return counting.plan(server, choose_api(server), tokens)


def test_usage_in_streams_asks_for_nothing_more() -> None:
    with serving(STAND_INS["vllm"]) as fake:
        server = Server(fake.base_url, "fake-model", named("vllm"), None, ModelFacts("m"), local=True)
        capabilities = choose_api(server)
        assert counting.plan(server, capabilities).answers is counting.USAGE
        assert len(fake.requests) == 1


@pytest.mark.parametrize("script", [SAGELLM, replace(STAND_INS["vllm"], usage=False, ttft_s=0.0, itl_s=0.0)])
def test_a_plan_takes_one_connection(script: Script) -> None:
    """A server with one thread answers no second one while the first is kept."""
    with serving(script) as fake:
        engine = named(script.owned_by)
        server = Server(fake.base_url, script.model, engine, None, ModelFacts("m"), local=True)
        capabilities = choose_api(server)
        before = fake.connections
        with server.session:
            counting.plan(server, capabilities, words)
        assert fake.connections == before + 1
        assert len(fake.requests) > 3


def test_a_tokenizer_of_ones_own_learns_the_template_from_what_the_server_charges() -> None:
    plan = planned(SAGELLM, "sagellm", words)
    assert isinstance(plan.prompts, Templated)
    assert plan.prompts.overhead == 30
    assert plan.answers.source == "tokenizer file"
    assert isinstance(plan.charged, Usage)


def test_a_tokenizer_of_another_model_is_not_believed() -> None:
    plan = planned(SAGELLM, "sagellm", len)
    assert isinstance(plan.prompts, Usage)
    assert plan.answers.source == "events, by the server's report"


def test_a_server_that_charges_nothing_is_counted_by_a_tokenizer_of_ones_own() -> None:
    plan = planned(replace(SAGELLM, usage=False, info=False), "sagellm", words)
    assert plan.prompts is None
    assert (plan.answers.source, plan.answers.check) == ("tokenizer file", "not checked")


@pytest.mark.parametrize(
    ("proof", "counted", "agrees"),
    [
        (Proof("", 24, 24), 24, True),
        (Proof("", 24, 24), 23, False),
        (Proof("", 24, 25, ended=True), 24, True),
        (Proof("", 24, 25), 24, False),
        (Proof("", 24, None), 24, None),
    ],
)
def test_a_count_is_held_against_the_charge(proof: Proof, counted: int, agrees: bool | None) -> None:
    assert proof.agrees(counted) is agrees


def test_an_answer_is_counted_by_its_text_or_by_its_events_or_by_nobody() -> None:
    assert AnswerTokens("x", text_tokens=words).count("a b c", 7) == 3
    assert AnswerTokens("x", by_events=True).count("a b c", 7) == 7
    assert counting.NOBODY.count("a b c", 7) is None


@pytest.mark.parametrize("roomy", [True, False])
def test_a_templates_own_system_message_gives_way_where_it_leaves_no_room(roomy: bool) -> None:
    with serving(SAGELLM) as fake:
        server = Server(fake.base_url, "fake-model", named("sagellm"), None, ModelFacts("m"), local=True)
        capabilities = counting.lean(server, choose_api(server), 128 if roomy else 32)
    assert capabilities.system == (None if roomy else "")


def test_a_file_that_is_no_tokenizer_is_a_data_error(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text("{}")
    with pytest.raises(DataError, match="not a tokenizer"):
        tokenizer_file.load(str(tmp_path))


@pytest.mark.parametrize("folder", [None, "relative", "/none", "\0"])
def test_a_folder_without_a_tokenizer_gives_none(folder: str | None) -> None:
    assert tokenizer_file.beside(folder) is None
