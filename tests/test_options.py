from __future__ import annotations

import sys
from dataclasses import fields, replace
from pathlib import Path

import click
import pytest

from sagellm_benchmark.errors import BenchmarkError, UsageError
from sagellm_benchmark.machine.hardware import Hardware
from sagellm_benchmark.options.declare import HeadedCommand, parse, takes
from sagellm_benchmark.options.rules import NEEDS
from sagellm_benchmark.options.run import RunOptions
from sagellm_benchmark.options.spec import run_spec
from sagellm_benchmark.options.values import slo
from sagellm_benchmark.runs.spec import RunSpec, shaped
from sagellm_benchmark.workload.workloads import WORKLOADS


def parsed(*arguments: str, **environ: str) -> RunSpec:
    """What `run` with these arguments asks for."""
    return run_spec(parse(RunOptions, arguments), ["run", *arguments], environ)


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
    spec = parsed("--base-url", "http://h:1", "--api-key-env", "KEY", KEY="sk-secret")
    assert spec.api_key == "sk-secret"
    assert "sk-secret" not in repr(spec)


@pytest.mark.parametrize("key", ["", "  ", "line\nbreak", "ключ"])
def test_an_unusable_key_is_an_error_that_does_not_show_it(key: str) -> None:
    with pytest.raises(UsageError) as caught:
        parsed("--base-url", "http://h:1", "--api-key-env", "sk-given-by-mistake", KEY=key)
    assert "sk-given" not in caught.value.message + str(caught.value.hint)


def test_seeds_differ_from_run_to_run_unless_given() -> None:
    assert len({parsed().seed for _ in range(8)}) > 1
    assert parsed("--seed", "7").seed == 7


def test_several_concurrencies_are_a_sweep() -> None:
    assert [shape.concurrency for shape in parsed("--concurrency", "1,2,4").shapes] == [1, 2, 4]


def test_a_sweep_chooses_how_many_requests_it_needs_unless_somebody_says_it() -> None:
    assert parsed("--concurrency", "1,2,4").fill_sweep
    assert not parsed("--concurrency", "1,2,4", "--requests", "8").fill_sweep
    assert not parsed("--concurrency", "4").fill_sweep


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
    assert slo("ttft=200ms, tpot=0.05s, e2e=5s") == {"ttft": 0.2, "tpot": 0.05, "e2e": 5.0}


def test_whether_a_server_has_real_weights_only_the_user_knows() -> None:
    assert parsed("--base-url", "http://h:1").model_hints.weights is None
    assert parsed("--base-url", "http://h:1", "--weights", "real").model_hints.weights == "real"
    assert parsed("--model", "m", "--launch", "serve {model} {port}").model_hints.weights is None
    assert parsed().model_hints.weights is None


def test_an_engine_that_is_started_loads_real_weights_unless_it_is_told_not_to() -> None:
    vllm = ("--engine", "vllm", "--model", "m")
    assert parsed(*vllm).model_hints.weights == "real"
    assert parsed(*vllm, "--engine-args", "--load-format dummy").model_hints.weights == "dummy"
    assert parsed(*vllm, "--engine-args", "--load-format=dummy").model_hints.weights == "dummy"
    assert parsed(*vllm, "--engine-args", "--served-model-name not-dummy").model_hints.weights == "real"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--concurrency", "4", "--rate", "2"),
        ("--duration", "5", "--requests", "3"),
        ("--duration", "5", "--warmup-seconds", "3", "--cooldown-seconds", "2"),
        ("--duration", "1000", "--rate", "1e5"),
        ("--search-goodput",),
        ("--search-goodput", "--slo", "ttft=1s", "--concurrency", "4"),
        ("--search-goodput", "--slo", "ttft=1s", "--rate", "inf"),
        ("--search-goodput", "--slo", "ttft=1s", "--rate", "1..9"),
        ("--search-goodput", "--slo", "ttft=1s", "--rate", "1,9"),
        ("--search-goodput", "--slo", "ttft=1s", "--workload", "Q1,Q5"),
        ("--rate", "inf", "--duration", "2"),
        ("--rate", "10,inf", "--duration", "1"),
        ("--dataset", "trace:x.jsonl", "--rate", "4"),
        ("--dataset", "mooncake:x.jsonl", "--concurrency", "4"),
        ("--time-scale", "0.5"),
        ("--dataset", "trace:x.jsonl", "--workload", "Q5"),
        ("--dataset", "text:x.txt", "--workload", "custom", "--input-tokens", "5", "--output-tokens", "5"),
        ("--engine", "vllm", "--model", "m", "--engine-env", "create", "--engine-python", "."),
        ("--workload", "custom", "--input-tokens", "5"),
        ("--workload", "Q1", "--input-tokens", "5"),
        ("--sagellm-version", "newest"),
        ("--base-url", ""),
        ("--base-url", "http://h:1", "--parameters", "seven billion"),
        ("--base-url", "http://h:1", "--versus", ""),
        ("--model", ""),
        ("--concurrency", "1,2,1"),
        ("--rate", "4,4.0"),
        ("--slo", "ttft=200ms,ttft=0.3s"),
        ("--workload", "custom", "--input-tokens=9", "--output-tokens=9", "--turns=4", "--requests=3"),
        ("--workload", "Q4", "--requests", "2"),
    ],
)
def test_what_does_not_go_together_is_refused_with_what_to_do(arguments: tuple[str, ...]) -> None:
    with pytest.raises(UsageError) as caught:
        parsed(*arguments)
    assert caught.value.hint


SERVED = ("--base-url", "http://h:1")


@pytest.mark.parametrize(
    ("option", "value", "others"),
    [
        ("--burstiness", "2", ("--rate", "4")),
        ("--burstiness", "2", ("--rate", "4", "--arrival", "constant")),
        ("--burstiness", "2", ()),
        ("--arrival", "constant", ()),
        ("--arrival", "poisson", ("--concurrency", "4")),
        ("--arrival", "constant", ("--rate", "inf")),
        ("--arrival", "constant", ("--rate", "2..20")),
        ("--engine", "tgi", ()),
        ("--engine-version", "1.0", ()),
        ("--parameters", "7B", ()),
        ("--api-key-env", "KEY", ()),
        ("--weights", "real", ()),
        ("--threads", "2", SERVED),
        ("--ramp", "2", ()),
        ("--client-processes", "2", ()),
        ("--client-processes", "8", ("--concurrency", "2,4")),
        ("--comm-backend", "NCCL", ()),
        ("--topology", "2 × 8", ("--node-count", "1")),
        ("--ramp", "2", ("--rate", "1")),
        ("--ramp", "2", ("--search-goodput", "--slo", "ttft=1s")),
        ("--ramp", "2", ("--dataset", "trace:x.jsonl")),
        ("--warmup-seconds", "3", ()),
        ("--cooldown-seconds", "3", ("--requests", "9")),
    ],
)
def test_an_option_without_an_effect_is_named_and_refused(
    option: str, value: str, others: tuple[str, ...]
) -> None:
    with pytest.raises(UsageError, match=option) as caught:
        parsed(option, value, *others, KEY="sk")
    assert caught.value.hint


@pytest.mark.parametrize(
    "arguments",
    [
        ("--rate", "4", "--arrival", "gamma", "--burstiness", "2"),
        ("--rate", "4,inf", "--arrival", "constant"),
        ("--search-goodput", "--slo", "ttft=1s", "--arrival", "constant"),
        ("--search-goodput", "--slo", "ttft=1s", "--rate", "3"),
        (*SERVED, "--engine", "vllm", "--engine-version", "1.0", "--parameters", "7B", "--weights", "dummy"),
        ("--concurrency", "8", "--ramp", "2"),
        ("--workload", "Q1,Q5", "--ramp", "2", "--client-processes", "10"),
        ("--rate", "4", "--client-processes", "4"),
        ("--concurrency", "2,4", "--client-processes", "4"),
        ("--duration", "9", "--warmup-seconds", "3", "--cooldown-seconds", "3"),
        ("--threads", "2"),
    ],
)
def test_an_option_with_an_effect_is_taken(arguments: tuple[str, ...]) -> None:
    assert parsed(*arguments).command.startswith("sagellm-benchmark run")


@pytest.mark.parametrize(
    ("option", "value", "hint"),
    [
        ("--concurrency", "0", "from 1 to 100,000"),
        ("--concurrency", "100001", "from 1 to 100,000"),
        ("--concurrency", "two", "from 1 to 100,000"),
        ("--concurrency", "9" * 5000, "from 1 to 100,000"),  # more digits than Python reads
        ("--launch", "", "leave the option out"),
        ("--engine-args", "'--seed 1", "close every quote"),
        ("--rate", "-1", "requests per second"),
        ("--rate", "nan", "requests per second"),
        ("--rate", "1e400", "inf for all at once"),
        ("--rate", "1..1e400", "2..20"),
        ("--rate", "1..inf", "2..20"),
        ("--rate", "", "requests per second"),
        ("--slo", "ttft=fast", "ttft=200ms"),
        ("--slo", "speed=9ms", "ttft, tpot"),
        ("--slo", "ttft=0ms", "ttft=200ms"),
        ("--slo", f"ttft={'9' * 400}s", "ttft=200ms"),
        ("--vendor", "nonesuch", "choose from Intel, AMD, NVIDIA, Huawei, Unknown, Other"),
        ("--requests", "0", "a whole number from 1 to 10,000,000"),
        ("--seed", "x", "a whole number from 0 to 2,147,483,647"),
        ("--time-scale", "0", "a number above 0, up to 1,000,000"),
        ("--ramp", "-1", "a number from 0 to 1,000,000"),
        ("--engine-python", "/nowhere", "sagellm-benchmark run --help"),
        ("--colour", "red", "sagellm-benchmark run --help"),
    ],
)
def test_a_value_that_means_nothing_is_refused_with_what_to_write(option: str, value: str, hint: str) -> None:
    with pytest.raises(UsageError, match=option) as caught:
        parsed(option, value)
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize("value", ["nan", "inf", "1e400", "0", "-1"])
def test_a_time_is_a_number_of_seconds(value: str) -> None:
    with pytest.raises(UsageError, match="does not understand"):
        parsed("--duration", value)


def test_one_load_has_one_shape_whatever_has_no_effect_on_it() -> None:
    steady, burst = parsed("--rate", "4,inf", "--arrival", "gamma", "--burstiness", "2").shapes
    assert (steady.arrival, steady.burstiness) == ("gamma", 2.0)
    assert burst == parsed("--rate", "inf").shapes[0]


def test_what_the_command_line_says_of_the_hardware_goes_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "hw.toml"
    file.write_text('vendor = "NVIDIA"\nchip_count = 4')
    spec = parsed("--chip-model", "H100", "--chip-count", "8", "--hardware", str(file))
    assert spec.hardware == Hardware(vendor="NVIDIA", chip_model="H100", chip_count=8)


def test_a_hardware_file_is_read_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="cannot read"):
        parsed("--hardware", str(tmp_path / "hw.toml"))
    with pytest.raises(UsageError, match="--vendor does not understand 'Nvidea'"):
        parsed("--vendor", "Nvidea")
    assert parsed("--vendor", "nvidia").hardware == Hardware(vendor="NVIDIA")


def test_several_nodes_need_what_a_row_says_of_a_cluster(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--comm-backend and --topology-type and --topology"):
        parsed("--node-count", "2")
    file = tmp_path / "hw.toml"
    file.write_text('comm_backend = "nccl"\ntopology_type = "ring"\ntopology = "2 nodes"')
    assert parsed("--node-count", "2", "--hardware", str(file)).hardware.node_count == 2


def test_several_nodes_can_be_described_by_options() -> None:
    cluster = ("--comm-backend", "NCCL", "--topology-type", "fat-tree", "--topology", "2 × 8")
    assert parsed("--node-count", "2", *cluster).hardware == Hardware(
        node_count=2, comm_backend="NCCL", topology_type="fat-tree", topology="2 × 8"
    )


def test_custom_texts_need_only_the_length_of_their_answers(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("one\ntwo\n")
    texts = ("--dataset", f"text:{tmp_path / 'x.txt'}", "--requests", "2")
    (workload,) = parsed(*texts, "--workload", "custom", "--output-tokens", "9").workloads
    assert (workload.requests, workload.output_tokens) == (2, 9)
    with pytest.raises(UsageError, match="needs --output-tokens"):
        parsed(*texts, "--workload", "custom")


@pytest.mark.parametrize(
    ("dataset", "content"),
    [
        ("no-such-kind:x", None),
        ("jsonl:FILE", None),
        ("jsonl:FILE", "no JSON"),
        ("text:FILE", "too\nfew"),
        ("trace:FILE", '{"timestamp": 0}'),
    ],
)
def test_a_dataset_is_read_before_anything_starts(dataset: str, content: str | None, tmp_path: Path) -> None:
    file = tmp_path / "data"
    if content is not None:
        file.write_text(content)
    with pytest.raises(BenchmarkError):
        parsed("--dataset", dataset.replace("FILE", str(file)))


def test_an_address_is_looked_at_before_anything_starts() -> None:
    with pytest.raises(UsageError, match="scheme"):
        parsed("--base-url", "host:8000")


def test_the_folder_of_results_is_still_known_by_its_old_name() -> None:
    assert (
        parsed("--output-dir", "there").output_dir == parsed("--outputs", "there").output_dir == Path("there")
    )


def test_help_stands_under_headings_and_leaves_old_names_out() -> None:
    command = click.command(cls=HeadedCommand)(takes(RunOptions)(lambda _: None))
    shown = command.get_help(click.Context(command))
    headings = [line[:-1] for line in shown.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert headings[0] == "What is measured"
    assert headings[-2:] == ["Results", "Help"]
    assert "--outputs" in shown
    assert "--output-dir" not in shown


def test_every_option_is_one_field_and_every_rule_names_options_that_exist() -> None:
    command = click.command(cls=HeadedCommand)(takes(RunOptions)(lambda _: None))
    names = {parameter.name for parameter in command.params}
    assert names == {one.name for one in fields(RunOptions)} - {"given"}
    assert {name for need in NEEDS for name in need.options} <= names


@pytest.mark.parametrize("model", ["x.gguf", "Qwen2-7B", "owner/repository"])
def test_what_the_embedded_engine_lacks_is_said_before_anything_is_fetched(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gguf", None)  # as if it were not installed
    with pytest.raises(UsageError, match="no module gguf") as caught:
        parsed("--model", model)
    assert "isagellm-benchmark[embedded]" in str(caught.value.hint)
    assert parsed("--model", model, *SERVED).model == model


def test_raw_answers_are_kept_by_a_word_that_takes_no_value() -> None:
    assert parse(RunOptions, ["--keep-raw", "--quiet"]).keep_raw
