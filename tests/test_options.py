from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest

from sagellm_benchmark import options
from sagellm_benchmark.errors import UsageError
from sagellm_benchmark.runs.spec import RunSpec, parse_slo, shaped
from sagellm_benchmark.workload.workloads import WORKLOADS


def parsed(*arguments: str, **environ: str) -> RunSpec:
    """What `run` with these arguments asks for."""
    found: list[dict[str, Any]] = []

    @click.command()
    @options.of_run
    def command(**given: Any) -> None:
        found.append(given)

    command.main(list(arguments), standalone_mode=False)
    return options.run_spec(found[0], ["run", *arguments], environ)


def test_nothing_said_is_q1_on_the_default_model() -> None:
    spec = parsed()
    assert (spec.workloads, spec.model, spec.base_url) == ((WORKLOADS["Q1"],), None, None)


def test_the_command_is_recorded_as_it_can_be_typed_again() -> None:
    assert parsed("--model", "a b", "--seed", "7").command == "sagellm-benchmark run --model 'a b' --seed 7"


def test_the_command_says_what_came_from_the_environment_and_from_chance() -> None:
    spec = parsed(SAGELLM_BASE_URL="http://h:1")
    assert spec.command == f"sagellm-benchmark run --base-url http://h:1 --seed {spec.seed}"


def test_the_base_url_may_come_from_the_environment() -> None:
    assert parsed(SAGELLM_BASE_URL="http://h:1").base_url == "http://h:1"


def test_an_empty_environment_variable_is_no_base_url() -> None:
    assert parsed(SAGELLM_BASE_URL="").base_url is None


def test_the_key_comes_from_the_variable_that_is_named_and_is_never_shown() -> None:
    spec = parsed("--api-key-env", "KEY", KEY="sk-secret")
    assert spec.api_key == "sk-secret"
    assert "sk-secret" not in repr(spec)


@pytest.mark.parametrize("key", ["", "  ", "line\nbreak", "ключ"])
def test_an_unusable_key_is_an_error_that_does_not_show_it(key: str) -> None:
    with pytest.raises(UsageError) as caught:
        parsed("--api-key-env", "sk-given-by-mistake", KEY=key)
    assert "sk-given" not in caught.value.message + str(caught.value.hint)


def test_seeds_differ_from_run_to_run_unless_given() -> None:
    assert len({parsed().seed for _ in range(8)}) > 1
    assert parsed("--seed", "7").seed == 7


def test_several_concurrencies_are_a_sweep() -> None:
    assert [shape.concurrency for shape in parsed("--concurrency", "1,2,4").shapes] == [1, 2, 4]


def test_several_rates_are_a_sweep() -> None:
    assert [shape.rate_rps for shape in parsed("--rate", "1,2.5,inf").shapes] == [1.0, 2.5, float("inf")]


def test_two_rates_with_dots_between_them_are_a_ramp() -> None:
    (shape,) = parsed("--rate", "2..20").shapes
    assert (shape.rate_rps, shape.last_rate_rps) == (2.0, 20.0)


def test_a_sweep_gives_every_stream_a_request() -> None:
    shape = parsed("--concurrency", "64").shapes[0]
    assert (shaped(WORKLOADS["Q1"], shape).requests, shaped(WORKLOADS["Q1"], shape).concurrency) == (64, 64)


def test_a_custom_workload_comes_from_flags() -> None:
    spec = parsed("--workload", "custom", "--requests", "9", "--input-tokens", "100", "--output-tokens", "20")
    (workload,) = spec.workloads
    assert (workload.name, workload.requests, workload.input_tokens, workload.output_tokens) == (
        "custom",
        9,
        100,
        20,
    )


def test_a_documented_workload_may_have_more_requests() -> None:
    assert parsed("--requests", "50").workloads == (replace(WORKLOADS["Q1"], requests=50),)


def test_objectives_are_seconds() -> None:
    assert parse_slo("ttft=200ms, tpot=0.05s, e2e=5s") == {"ttft": 0.2, "tpot": 0.05, "e2e": 5.0}


def test_a_served_model_has_real_weights_unless_the_user_says_otherwise() -> None:
    assert parsed("--base-url", "http://h:1").model_hints.weights == "real"
    assert parsed("--base-url", "http://h:1", "--weights", "dummy").model_hints.weights == "dummy"
    assert parsed().model_hints.weights is None


@pytest.mark.parametrize(
    "arguments",
    [
        ("--concurrency", "4", "--rate", "2"),
        ("--duration", "5", "--requests", "3"),
        ("--warmup-seconds", "3"),
        ("--duration", "5", "--warmup-seconds", "3", "--cooldown-seconds", "2"),
        ("--search-goodput",),
        ("--search-goodput", "--slo", "ttft=1s", "--concurrency", "4"),
        ("--search-goodput", "--slo", "ttft=1s", "--rate", "inf"),
        ("--search-goodput", "--slo", "ttft=1s", "--workload", "Q1,Q5"),
        ("--rate", "inf", "--duration", "2"),
        ("--dataset", "trace:x.jsonl", "--rate", "4"),
        ("--ramp", "2", "--rate", "1"),
        ("--weights", "real"),
        ("--threads", "2", "--base-url", "http://h:1"),
        ("--workload", "custom", "--input-tokens", "5"),
        ("--workload", "Q1", "--input-tokens", "5"),
        ("--concurrency", "0"),
        ("--concurrency", "two"),
        ("--rate", "-1"),
        ("--rate", "1..inf"),
        ("--search-goodput", "--slo", "ttft=1s", "--rate", "1..9"),
        ("--rate", "nan"),
        ("--slo", "speed=9ms"),
        ("--slo", "ttft=fast"),
    ],
)
def test_what_does_not_go_together_is_refused_with_what_to_do(arguments: tuple[str, ...]) -> None:
    with pytest.raises(UsageError) as caught:
        parsed(*arguments)
    assert caught.value.hint


def test_hardware_flags_are_taken_over(tmp_path: Path) -> None:
    spec = parsed("--chip-model", "H100", "--chip-count", "8", "--hardware", str(tmp_path / "hw.toml"))
    assert spec.hardware.values == {"chip_model": "H100", "chip_count": 8}
    assert spec.hardware.file == tmp_path / "hw.toml"
