"""Prometheus text: the series we know, whatever else a server sends, as figures of the run's own time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagellm_benchmark.engines.base import MetricNames, ModelFacts, Server
from sagellm_benchmark.engines.metrics import MetricsWatch, Scrape, ServerFigures, over_time
from sagellm_benchmark.engines.metrics import figures as figures_of
from sagellm_benchmark.engines.metrics import parse as parse_of
from sagellm_benchmark.engines.registry import named
from sagellm_benchmark.machine.readings import Readings
from tests.fakes.openai_server import Script
from tests.fakes.openai_server import serving as fake_llm
from tests.fakes.routes import closed_port, serving, wait_until

VLLM = """\
# HELP vllm:prefix_cache_queries_total Prefix cache queries, in terms of number of queried tokens.
# TYPE vllm:prefix_cache_queries_total counter
vllm:prefix_cache_queries_total{engine="0",model_name="m"} %(queries)s
vllm:prefix_cache_hits_total{engine="0",model_name="m"} %(hits)s
vllm:num_preemptions_total{engine="0",model_name="m"} %(preemptions)s
vllm:kv_cache_usage_perc{engine="0",model_name="m"} %(usage)s
vllm:cache_config_info{block_size="16",cache_dtype="auto",num_gpu_blocks="1000",engine="0"} 1.0
vllm:spec_decode_num_draft_tokens_total{engine="0"} %(draft)s
vllm:spec_decode_num_accepted_tokens_total{engine="0"} %(accepted)s
vllm:time_to_first_token_seconds_bucket{le="0.001"} 3
"""
QUIET = {"queries": 100, "hits": 50, "preemptions": 2, "usage": 0, "draft": 0, "accepted": 0}
BUSY = {"queries": 300, "hits": 150.0, "preemptions": 5, "usage": 0.25, "draft": 200, "accepted": 120}


def names_of(engine: str) -> MetricNames:
    names = named(engine).metrics
    assert names is not None
    return names


def parse(text: str, engine: str = "vllm") -> Scrape:
    return parse_of(names_of(engine), text)


def figures(before: Scrape, during: Sequence[Scrape], after: Scrape, engine: str = "vllm") -> ServerFigures:
    return figures_of(names_of(engine), before, during, after)


def vllm(**changes: float) -> Scrape:
    return parse(VLLM % (QUIET | changes))


def server(base_url: str, api_key: str | None = None) -> Server:
    return Server(base_url, "m", named("vllm"), None, ModelFacts("m"), local=True, api_key=api_key)


def test_vllm_counters_are_taken_as_their_growth() -> None:
    found = figures(parse(VLLM % QUIET), [], parse(VLLM % BUSY))
    assert found == ServerFigures(
        prefix_hit_rate=0.5,
        kv_used_tokens=4000,
        evict_count=3,
        spec_accept_rate=0.6,
    )


def test_the_most_that_was_used_counts_even_when_it_is_over() -> None:
    found = figures(vllm(), [vllm(usage=0.5), vllm(usage=0.75)], vllm())
    assert found.kv_used_tokens == 12000


def test_a_stated_capacity_goes_before_blocks() -> None:
    text = (VLLM % BUSY).replace('block_size="16"', 'kv_cache_size_tokens="800",block_size="16"')
    assert figures(vllm(), [], parse(text)).kv_used_tokens == 200


@pytest.mark.parametrize("blocks", ["None", "", "-1", "9" * 1000])
def test_a_capacity_that_is_not_told_leaves_the_used_tokens_unknown(blocks: str) -> None:
    text = (VLLM % BUSY).replace('num_gpu_blocks="1000"', f'num_gpu_blocks="{blocks}"')
    assert figures(vllm(), [], parse(text)).kv_used_tokens is None


def test_values_whose_sum_would_overflow_are_not_believed() -> None:
    huge = 'vllm_num_preemptions_total{worker="0"} 1e308\nvllm_num_preemptions_total{worker="1"} 1e308\n'
    assert figures(Scrape(), [], parse(huge)).evict_count is None


def test_nothing_looked_up_is_no_hit_rate() -> None:
    assert figures(vllm(), [], vllm()).prefix_hit_rate is None


def test_no_speculation_is_no_acceptance_rate() -> None:
    assert figures(vllm(), [], vllm(queries=200)).spec_accept_rate is None


def test_counters_that_shrank_are_not_known() -> None:
    found = figures(parse(VLLM % BUSY), [], parse(VLLM % QUIET))
    assert (found.prefix_hit_rate, found.evict_count, found.spec_accept_rate) == (None, None, None)


def test_workers_are_added_up() -> None:
    before = parse('vllm:prefix_cache_queries{e="0"} 0\nvllm:prefix_cache_hits{e="0"} 0')
    after = parse(
        'vllm:prefix_cache_queries{e="0"} 100\nvllm:prefix_cache_queries{e="1"} 300\n'
        'vllm:prefix_cache_hits{e="0"} 50\nvllm:prefix_cache_hits{e="1"} 50\n'
    )
    assert figures(before, [], after).prefix_hit_rate == 0.25


@pytest.mark.parametrize("separator", [":", "_"])
def test_sglang_is_read(separator: str) -> None:
    def scrape(prompt: int, cached: str, used: int, rate: float, retracted: int) -> Scrape:
        text = f"""\
sglang:prompt_tokens_total{{model_name="m"}} {prompt}.0
{cached}
sglang:num_used_tokens{{model_name="m"}} {used}.0
sglang:spec_accept_rate{{model_name="m"}} {rate}
sglang:num_retracted_requests_total{{model_name="m"}} {retracted}
"""
        return parse(text.replace("sglang:", f"sglang{separator}"), "sglang")

    before = scrape(1000, "", 0, 0.9, 1)
    during = [scrape(1500, "", 700, 0.5, 1), scrape(1600, "", 900, 0.7, 1)]
    cached = (
        'sglang:cached_tokens_total{cache_source="device"} 300\n'
        'sglang:cached_tokens_total{cache_source="host"} 100'
    )
    found = figures(before, during, scrape(2000, cached, 10, 0.0, 3), "sglang")
    assert found.spec_accept_rate == pytest.approx(0.6)
    assert replace(found, spec_accept_rate=None) == ServerFigures(
        prefix_hit_rate=0.4,
        kv_used_tokens=900,
        evict_count=2,
    )


def test_llamacpp_is_read() -> None:
    def scrape(prompt: int, cached: int, draft: int, accepted: int) -> Scrape:
        return parse(
            f"llamacpp:prompt_tokens_total {prompt}\nllamacpp:prompt_tokens_cached_total {cached}\n"
            f"llamacpp:spec_decode_num_draft_tokens_total {draft}\n"
            f"llamacpp:spec_decode_num_accepted_tokens_total {accepted}\n",
            "llama.cpp",
        )

    found = figures(scrape(10, 0, 0, 0), [], scrape(40, 10, 8, 6), "llama.cpp")
    assert found == ServerFigures(prefix_hit_rate=0.25, spec_accept_rate=0.75)


def test_a_hit_rate_above_one_is_not_believed() -> None:
    assert figures(vllm(), [], vllm(queries=110, hits=90)).prefix_hit_rate is None


@pytest.mark.parametrize(
    "line",
    [
        "vllm:num_preemptions_total NaN",
        "vllm:num_preemptions_total +Inf",
        "vllm:num_preemptions_total one",
        "vllm:num_preemptions_total",
        'vllm:num_preemptions_total{a="b" 3',
        " vllm:num_preemptions_total 3",
        "# vllm:num_preemptions_total 3",
        "other:num_preemptions_total 3",
        "vllm:unheard_of 3",
    ],
)
def test_lines_that_say_nothing_are_passed_over(line: str) -> None:
    assert not parse(line).values


def test_a_timestamp_behind_a_value_is_no_part_of_it() -> None:
    assert parse("vllm:num_preemptions_total 3 1700000000000").total("vllm_num_preemptions") == 3


def test_an_endless_page_is_read_in_part() -> None:
    assert len(parse("vllm:num_preemptions_total 1\n" * 50_000).values["vllm_num_preemptions"]) == 10_000


@given(st.text(st.sampled_from('vllm:_{}"=\\ \n0.#')) | st.text())
def test_any_text_can_be_parsed(text: str) -> None:
    parse(text)


def test_a_watch_reads_before_during_and_after() -> None:
    readings = iter([VLLM % QUIET, VLLM % (QUIET | {"usage": 0.9})])
    last = threading.Event()

    def page(_: object) -> tuple[int, bytes]:
        text = VLLM % BUSY if last.is_set() else next(readings, VLLM % (QUIET | {"usage": 0.1}))
        return 200, text.encode()

    with serving({"GET /metrics": page}) as fake:
        with MetricsWatch(server(fake.base_url), interval_s=0.01) as watch:
            wait_until(lambda: len(fake.requests) >= 4)
            last.set()
        found = watch.figures()
    assert found.kv_used_tokens == 14400
    assert found.prefix_hit_rate == 0.5
    (cached,) = watch.readings()
    assert cached.name == "kv_tokens"
    assert cached.values[:2] == (14400.0, 1600.0)
    assert cached.at_s == tuple(sorted(cached.at_s))


@pytest.mark.parametrize(
    ("engine", "running", "waiting"),
    [
        ("vllm", "vllm:num_requests_running", "vllm:num_requests_waiting"),
        ("sglang", "sglang:num_running_reqs", "sglang:num_queue_reqs"),
        ("llama.cpp", "llamacpp:requests_processing", "llamacpp:requests_deferred"),
    ],
)
def test_requests_that_a_server_works_on_and_lets_wait_are_read(
    engine: str, running: str, waiting: str
) -> None:
    scrapes = [(at, parse(f"{running} {at}\n{waiting} {at + 1}\n", engine)) for at in (4.0, 5.0)]
    assert over_time(names_of(engine), scrapes) == (
        Readings("running", (4.0, 5.0), (4.0, 5.0)),
        Readings("waiting", (4.0, 5.0), (5.0, 6.0)),
    )


def test_a_watch_ends_at_once() -> None:
    with serving({"GET /metrics": (200, (VLLM % QUIET).encode())}) as fake:
        with MetricsWatch(server(fake.base_url), interval_s=3600) as watch:
            pass
        assert len(fake.requests) == 2
        assert watch.figures() == ServerFigures(kv_used_tokens=0, evict_count=0)


@pytest.fixture(params=["none", "other", "gone"])
def silent(request: pytest.FixtureRequest) -> Iterator[str]:
    """Servers that have no metrics for us."""
    if request.param == "gone":
        yield f"http://127.0.0.1:{closed_port()}"
        return
    page = None if request.param == "none" else "python_gc_objects 1\n"
    with fake_llm(Script(metrics=page)) as fake:
        yield fake.base_url


def test_a_server_without_metrics_has_no_figures(silent: str) -> None:
    with MetricsWatch(server(silent)) as watch:
        pass
    assert watch.figures() == ServerFigures()


def test_a_server_that_dies_under_the_watch_has_no_figures() -> None:
    with serving({"GET /metrics": (200, (VLLM % QUIET).encode())}) as fake:
        watch = MetricsWatch(server(fake.base_url), interval_s=0.01)
        watch.__enter__()
    watch.__exit__(None, None, None)
    assert watch.figures() == ServerFigures()


def test_the_key_opens_the_metrics() -> None:
    with fake_llm(Script(api_key="k1", metrics=VLLM % QUIET)) as fake:
        with MetricsWatch(server(fake.base_url, "k1")) as watch:
            pass
        assert watch.figures().evict_count == 0
