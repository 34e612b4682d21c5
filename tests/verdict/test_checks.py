from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sagellm_benchmark.client.sample import Failure, Sample
from sagellm_benchmark.client.terms import ClientHealth
from sagellm_benchmark.machine.contention import Contended
from sagellm_benchmark.verdict.cached import Recall, RepeatTest
from sagellm_benchmark.verdict.checks import judge
from sagellm_benchmark.verdict.columns import Columns
from sagellm_benchmark.verdict.evidence import Evidence
from tests.fakes.samples import closed_loop, columns, sample

FREE = Contended(others_share=0.02, steal_share=0.0, server_wait_share=0.01, client_wait_share=0.03)
HEALTHY = ClientHealth(loop_lag_p99_s=0.0005, loop_lag_max_s=0.001, cpu_share=0.2, cpu_s=1.0)


def evidence(samples: list[Sample], **changes: Any) -> Evidence:
    fields: dict[str, Any] = {
        "columns": columns(samples),
        "concurrency": 1,
        "asked_rate_rps": None,
        "asked_input_tokens": 32,
        "asked_output_tokens": 11,
        "shared_prefix_tokens": 0,
        "may_cache": False,
        "prompts_repeated": False,
        "timed_out": False,
        "repeat_test": repeat_test(0.101, 0.101),
        "interrupted": False,
        "health": HEALTHY,
        "calibrated_ttft_bias_s": 0.0002,
        "most_events_per_s": 1e5,
        "step_floor_s": 1e-5,
        "contention": FREE,
    }
    given: Columns = fields["columns"]
    fields["texts"] = given.texts
    return Evidence(**{**fields, **changes})


def only_reason(given: Evidence) -> str:
    reasons = judge(given).reasons
    assert len(reasons) == 1, reasons
    return reasons[0]


def test_an_ordinary_run_is_valid_and_fully_checked() -> None:
    verdict = judge(evidence(closed_loop(200)))
    assert verdict.valid
    assert verdict.not_checked == ()


def test_a_short_run_is_valid_and_says_what_was_not_checked() -> None:
    verdict = judge(evidence(closed_loop(5)))
    assert verdict.valid
    assert verdict.not_checked == (
        "Little's law: fewer than 10 requests per stream",
        "steadiness: fewer than 100 answered requests, or than 10 per stream",
    )


def test_an_interrupted_run_is_not_valid() -> None:
    assert only_reason(evidence(closed_loop(200), interrupted=True)).startswith("interrupted")


def test_a_run_without_requests_is_not_valid() -> None:
    assert only_reason(evidence([])).startswith("no request finished")


def test_a_run_of_one_request_is_not_valid() -> None:
    assert only_reason(evidence(closed_loop(1))).startswith("a single request says nothing")
    assert judge(evidence(closed_loop(2))).valid


def test_more_than_one_percent_of_failures_is_not_valid() -> None:
    samples = closed_loop(200) + [sample(failure=Failure.TIMEOUT)] * 3
    assert only_reason(evidence(samples)).startswith("3 of 203 requests failed (3× timeout)")


def test_tokens_that_nobody_counted_are_not_a_rate() -> None:
    samples = [replace(one, completion_tokens=None) for one in closed_loop(200)]
    assert any("cannot be counted" in reason for reason in judge(evidence(samples)).reasons)


def test_zero_tokens_with_zero_errors_is_not_valid() -> None:
    samples = [replace(one, completion_tokens=0) for one in closed_loop(200)]
    assert any(reason.startswith("zero throughput") for reason in judge(evidence(samples)).reasons)


def test_answers_in_one_piece_were_not_streamed() -> None:
    samples = [replace(one, event_s=one.event_s[-1:]) for one in closed_loop(200)]
    assert any("not streamed" in reason for reason in judge(evidence(samples)).reasons)


def test_answers_that_come_all_at_the_end_were_not_streamed() -> None:
    samples = [sample(start=0.1 * i, ttft=0.1, itl=0.00001) for i in range(200)]
    assert any("not streamed" in reason for reason in judge(evidence(samples, step_floor_s=None)).reasons)


def test_prompts_from_the_cache_are_not_computed() -> None:
    samples = [replace(one, cached_tokens=16) for one in closed_loop(200)]
    assert "came from the server's cache" in only_reason(evidence(samples))


def repeat_test(new_s: float, repeated_s: float, prompts: int = 20) -> RepeatTest:
    """Of a server whose times vary by a hundredth."""
    vary = np.linspace(0.995, 1.005, prompts)
    return RepeatTest.of((new_s * vary).tolist(), (repeated_s * vary).tolist())


@pytest.mark.parametrize("says", [None, 0])
def test_prompts_as_quick_as_repeated_ones_came_from_a_cache_whatever_the_server_says(
    says: int | None,
) -> None:
    samples = [replace(one, cached_tokens=says) for one in closed_loop(200)]
    assert "answered from a cache" in only_reason(evidence(samples, repeat_test=repeat_test(0.5, 0.1)))


def test_a_cache_for_40_percent_of_the_prompts_is_found() -> None:
    samples = [sample(start=1.0 * i, ttft=0.02 if i % 5 < 2 else 0.1, text=f"{i:11}") for i in range(50)]
    test = RepeatTest.of([0.1] * 20, [0.02] * 8 + [0.1] * 12)
    reasons = judge(evidence(samples, repeat_test=test)).reasons
    assert [
        reason for reason in reasons if reason.startswith("40% of the prompts were answered from a cache")
    ]


@pytest.mark.parametrize(
    "test",
    [
        pytest.param(repeat_test(0.101, 0.02), id="as slow as a new one"),
        pytest.param(repeat_test(0.12, 0.1), id="quicker than a new one, but no cache is to be seen"),
    ],
)
def test_prompts_that_a_cache_does_not_explain_were_computed(test: RepeatTest) -> None:
    assert judge(evidence(closed_loop(200), repeat_test=test)).valid


BUSY = Contended(others_share=0.5, steal_share=0.0, server_wait_share=0.4, client_wait_share=0.4)


def test_a_server_that_a_busy_machine_slowed_after_the_run_is_not_accused() -> None:
    test = replace(repeat_test(0.5, 0.1), contention=BUSY)
    (doubt,) = judge(evidence(closed_loop(200), repeat_test=test)).not_checked
    assert doubt.startswith("prefix cache: the machine was busy while prompts were sent twice")


def test_prompts_so_quick_that_no_busy_machine_explains_it_came_from_a_cache() -> None:
    test = replace(repeat_test(1.0, 0.1), contention=BUSY)
    assert "answered from a cache" in only_reason(evidence(closed_loop(200), repeat_test=test))


@pytest.mark.parametrize(
    ("recall", "doubt"),
    [
        (None, "there was not enough time to send them again"),
        (Recall((0.5,) * 20, (0.5,) * 20, (0.5,) * 20), "may only have been slower after the run"),
    ],
)
def test_prompts_that_took_less_than_any_later_are_a_doubt_until_they_do_so_again(
    recall: Recall | None, doubt: str
) -> None:
    test = replace(repeat_test(0.5, 0.5), recall=recall)
    (said,) = judge(evidence(closed_loop(200), repeat_test=test)).not_checked
    assert said.startswith("prompts known in advance: 100% may have been")
    assert said.endswith(doubt)


def test_prompts_that_are_answered_sooner_once_more_were_known_in_advance() -> None:
    test = replace(repeat_test(0.5, 0.5), recall=Recall((0.1,) * 20, (0.5,) * 20, (0.5,) * 20))
    assert "were known in advance" in only_reason(evidence(closed_loop(200), repeat_test=test))


def test_without_enough_repeated_prompts_a_cache_is_not_checked() -> None:
    verdict = judge(evidence(closed_loop(200), repeat_test=repeat_test(0.5, 0.1, prompts=7)))
    assert verdict.not_checked == (
        "prefix cache, apart from what the server says: there was not enough time to send enough new prompts twice",
    )


def test_a_templates_own_prefix_may_be_cached() -> None:
    samples = [replace(one, cached_tokens=16) for one in closed_loop(200)]
    assert judge(evidence(samples, shared_prefix_tokens=16)).valid


def test_a_conversation_may_reuse_its_own_turns() -> None:
    samples = [replace(one, cached_tokens=30) for one in closed_loop(200)]
    assert judge(evidence(samples, may_cache=True)).valid


def test_prompts_of_another_length_are_not_the_workload() -> None:
    samples = [replace(one, prompt_tokens=40) for one in closed_loop(200)]
    assert "prompts do not have the requested length" in only_reason(evidence(samples))


def test_answers_that_ended_early_are_not_the_workload() -> None:
    assert "answers do not have the requested length" in only_reason(
        evidence(closed_loop(200), asked_output_tokens=64)
    )


def _answers_of(*lengths: int) -> list[Sample]:
    every = closed_loop(200)
    return [replace(one, completion_tokens=lengths[at % len(lengths)]) for at, one in enumerate(every)]


def test_a_text_that_splits_into_a_few_tokens_less_has_its_length_all_the_same() -> None:
    samples = _answers_of(*[11] * 7, 10)
    assert judge(evidence(samples, recounted=True)).valid
    assert "answers do not have the requested length" in only_reason(evidence(samples, recounted=False))


def test_texts_that_all_split_into_less_are_not_the_workload() -> None:
    samples = _answers_of(10)
    assert "answers do not have the requested length" in only_reason(evidence(samples, recounted=True))


def test_more_events_than_tokens_cannot_be() -> None:
    samples = [replace(one, completion_tokens=5) for one in closed_loop(200)]
    assert "usage is wrong" in only_reason(evidence(samples, asked_output_tokens=None))


def test_an_answer_before_its_request_is_a_broken_clock() -> None:
    samples = [replace(one, start_s=one.start_s + 0.5) for one in closed_loop(200)[:1]] + closed_loop(200)
    assert any("clocks ran backwards" in reason for reason in judge(evidence(samples)).reasons)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"health": replace(HEALTHY, loop_lag_p99_s=0.05)}, "woke up 50 ms late"),
        ({"health": replace(HEALTHY, cpu_share=0.99)}, "used 99% of a core"),
        ({"calibrated_ttft_bias_s": 0.08}, "80.0 ms too high"),
        ({"most_events_per_s": 10.0}, "found able to handle"),
    ],
)
def test_a_client_that_was_late_itself_is_not_believed(changes: dict[str, Any], words: str) -> None:
    assert words in only_reason(evidence(closed_loop(200), **changes))


BUSY = replace(FREE, others_share=0.62, server_wait_share=0.4)


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (BUSY, "other programs used 62% of the processors, the host took 0%; the server waited 40%"),
        (replace(BUSY, server_wait_share=None, client_wait_share=0.5), "the client 50%"),
        (replace(FREE, steal_share=0.08), "the host took 8%"),
    ],
)
def test_a_machine_that_others_use_is_not_believed_and_says_how_much(seen: Contended, words: str) -> None:
    reason = only_reason(evidence(closed_loop(200), contention=seen))
    assert reason.startswith("the machine was busy")
    assert words in reason


def test_others_for_whom_nobody_had_to_wait_do_no_harm() -> None:
    assert judge(evidence(closed_loop(200), contention=replace(FREE, others_share=0.6))).valid


def test_a_client_that_only_wakes_up_late_did_not_wait_for_others() -> None:
    assert judge(
        evidence(closed_loop(200), contention=replace(FREE, others_share=0.2, client_wait_share=0.27))
    ).valid


def test_a_fifth_of_the_processors_is_too_much_where_the_server_waited_for_it() -> None:
    seen = replace(FREE, others_share=0.19, server_wait_share=0.23)
    assert only_reason(evidence(closed_loop(200), contention=seen)).startswith("the machine was busy")


def test_a_busy_machine_that_the_user_accepts_is_said_beside_the_verdict() -> None:
    verdict = judge(evidence(closed_loop(200), contention=BUSY, may_be_busy=True))
    assert verdict.valid
    assert verdict.not_checked[0].startswith("contention, by --accept-busy: other programs used 62%")


def test_a_machine_that_nobody_watched_is_not_checked() -> None:
    assert judge(evidence(closed_loop(200), contention=None)).not_checked == (
        "contention: the server's process is not visible here, or the load was too short",
    )


ELSEWHERE = replace(
    FREE, others_share=None, server_wait_share=None, client_wait_share=0.12, pressure_share=0.05
)


def test_how_long_the_client_waited_is_said_where_the_server_is_elsewhere() -> None:
    assert judge(evidence(closed_loop(200), contention=ELSEWHERE)).not_checked == (
        "contention: the server is not visible here; the client waited 12% of the time it could have run, "
        "and for 5% of the time a program of this machine waited for a processor",
    )


def test_a_server_here_that_cannot_be_seen_is_judged_by_the_pressure_on_all_processors() -> None:
    pressed = replace(ELSEWHERE, pressure_share=0.93, client_wait_share=0.6)
    reason = only_reason(evidence(closed_loop(200), contention=pressed, server_is_here=True))
    assert reason.startswith("the machine was busy: other programs used an unknown part of the processors")
    assert "for 93% of the time a program waited for a processor" in reason


@pytest.mark.parametrize(
    "seen",
    [
        ELSEWHERE,  # nothing but the client's own waits for its server
        replace(
            ELSEWHERE, pressure_share=0.93, client_wait_share=0.02
        ),  # others waited, and the client did not
        replace(ELSEWHERE, pressure_share=None),  # no Linux, or an old one
    ],
)
def test_a_server_here_that_cannot_be_seen_is_not_accused_of_its_own_work(seen: Contended) -> None:
    verdict = judge(evidence(closed_loop(200), contention=seen, server_is_here=True))
    assert verdict.valid
    assert verdict.not_checked[0].startswith(
        "contention: the server runs here, but its process cannot be seen; the client waited"
    )


def test_pressure_decides_nothing_where_the_server_s_own_wait_is_seen() -> None:
    assert judge(evidence(closed_loop(200), contention=replace(FREE, pressure_share=1.0))).valid


def test_a_host_that_takes_processors_is_found_where_the_server_is_elsewhere() -> None:
    reason = only_reason(evidence(closed_loop(200), contention=replace(ELSEWHERE, steal_share=0.2)))
    assert reason.startswith("the machine was busy: other programs used an unknown part of the processors")
    assert "the host took 20%" in reason


def test_an_uncalibrated_client_is_said_to_be_so() -> None:
    verdict = judge(evidence(closed_loop(200), calibrated_ttft_bias_s=None))
    assert verdict.not_checked == ("client bias: not calibrated",)


def test_an_open_loop_that_left_late_did_not_send_at_its_rate() -> None:
    samples = [sample(start=0.1 * i + 0.5, due_s=0.1 * i) for i in range(200)]
    assert "requests were sent late" in only_reason(evidence(samples, concurrency=None, asked_rate_rps=10.0))


def test_more_requests_in_flight_than_streams_breaks_littles_law() -> None:
    assert "Little's law" in only_reason(evidence(closed_loop(200, streams=2), concurrency=1))


def test_idle_streams_break_littles_law() -> None:
    samples = [sample(start=float(i)) for i in range(200)]
    assert "streams were busy" in only_reason(evidence(samples))


def test_growing_latency_is_not_steady() -> None:
    samples, start = [], 0.0
    for i in range(200):
        samples.append(sample(start=start, ttft=0.1 + 0.002 * i))
        start = samples[-1].end_s
    assert "never steady: latency grew" in only_reason(evidence(samples))


def test_a_load_that_is_not_steady_itself_is_not_held_to_it() -> None:
    samples = [
        sample(start=i * 0.01, ttft=0.1 + 0.002 * i, due_s=i * 0.01, text=f"{i:11}") for i in range(200)
    ]
    assert judge(evidence(samples, concurrency=None)).not_checked == (
        "steadiness: the load itself is not steady",
    )


def test_texts_that_were_sent_twice_may_come_from_a_cache() -> None:
    assert "more than once" in only_reason(evidence(closed_loop(200), prompts_repeated=True))


def test_a_run_that_its_time_limit_ended_says_so() -> None:
    assert only_reason(evidence(closed_loop(200), interrupted=True, timed_out=True)).startswith("--timeout")


def test_decoding_faster_than_memory_feeds_the_weights_cannot_be() -> None:
    given = evidence(closed_loop(200), step_floor_s=0.7)
    assert "faster than memory" in only_reason(given)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"other_processes": (4242,)}, "pid 4242"),
        ({"throttled": ("thermal",)}, "throttled (thermal)"),
        ({"energy_j": 1e6, "power_limit_w": 700.0, "watched_s": 40.0}, "energy cannot be right"),
    ],
)
def test_a_gpu_that_was_not_ours_alone_is_not_believed(changes: dict[str, Any], words: str) -> None:
    assert words in only_reason(evidence(closed_loop(200), **changes))


def test_every_reason_names_a_next_action() -> None:
    bad = [replace(one, completion_tokens=3, cached_tokens=20, prompt_tokens=90) for one in closed_loop(200)]
    verdict = judge(evidence(bad, interrupted=True, other_processes=(1,), throttled=("thermal",)))
    assert len(verdict.reasons) >= 6
    assert all(";" in reason or ":" in reason for reason in verdict.reasons)


def test_a_long_wait_before_a_short_answer_is_streamed_all_the_same() -> None:
    samples = [sample(start=4.0 * i, ttft=3.2, itl=0.01) for i in range(200)]
    assert not any("streamed" in reason for reason in judge(evidence(samples)).reasons)


def test_many_tokens_an_event_are_no_burden_for_the_client() -> None:
    samples = [replace(one, completion_tokens=1000, asked_output_tokens=1000) for one in closed_loop(200)]
    verdict = judge(evidence(samples, most_events_per_s=1000.0, asked_output_tokens=None))
    assert not any("found able to handle" in reason for reason in verdict.reasons)


def test_conversations_that_grow_are_not_called_unsteady() -> None:
    growing = [sample(start=float(i), ttft=0.1 + 0.01 * i) for i in range(200)]
    assert any("never steady" in reason for reason in judge(evidence(growing)).reasons)
    verdict = judge(evidence(growing, may_cache=True))
    assert not any("never steady" in reason for reason in verdict.reasons)
    assert (
        "steadiness: prompts that share their beginning, as turns do, take different times"
        in verdict.not_checked
    )


def test_a_cache_behind_a_queue_is_not_checked() -> None:
    samples = [replace(one, cached_tokens=None) for one in closed_loop(200)]
    verdict = judge(evidence(samples, repeat_test=repeat_test(0.05, 0.01)))
    assert verdict.valid
    assert verdict.not_checked == ("prefix cache: requests waited for each other, so TTFT cannot show it",)


def stream(*gaps_s: float, ttft: float = 0.1) -> list[Sample]:
    """Fifty answers one after another, each of events so far apart."""
    events, samples = np.cumsum([ttft, *gaps_s]), []
    for i in range(50):
        start = 10.0 * i
        times = tuple(float(start + event) for event in events)
        fields: dict[str, Any] = {"event_s": times, "end_s": times[-1], "completion_tokens": len(times)}
        samples.append(replace(sample(start=start, text=f"{i:9}" * len(times)), **fields))
    return samples


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        pytest.param(
            stream(0.2, *[0.005] * 62, ttft=0.003), "begin before they are computed", id="one event at once"
        ),
        pytest.param(stream(0.315, *[0.00001] * 62), "answers", id="all others at the end"),
        pytest.param(stream(*([0.00002] * 15 + [0.08]) * 4), "let go in bunches", id="a proxy that buffers"),
        pytest.param(stream(*[0.005] * 16, 0.9, *[0.005] * 16), "in two pieces", id="half and half"),
    ],
)
def test_a_stream_that_is_not_as_it_was_generated_is_not_believed(samples: list[Sample], words: str) -> None:
    reasons = judge(evidence(samples, asked_output_tokens=None)).reasons
    assert any(words in reason for reason in reasons), reasons


def test_speculation_that_accepts_several_tokens_a_step_is_believed() -> None:
    samples = stream(*([0.00002] * 2 + [0.03]) * 21)
    assert not any(
        "answers" in reason for reason in judge(evidence(samples, asked_output_tokens=None)).reasons
    )


def test_answers_that_wait_for_the_prefills_of_others_are_believed() -> None:
    """Ten prompts at once, prefilled one after the other before anything is decoded."""
    samples = [replace(stream(0.05 * (9 - i) + 0.01, *[0.01] * 62)[0], text=f"{i:64}") for i in range(10)]
    reasons = judge(evidence(samples, concurrency=10, asked_output_tokens=None)).reasons
    assert not any("begin before" in reason for reason in reasons), reasons


@pytest.mark.parametrize("ratio", [0.5, 0.125, 2.0])
def test_text_of_fewer_or_more_tokens_than_were_charged_is_not_believed(ratio: float) -> None:
    assert f"has {ratio:.2f} tokens for each" in only_reason(
        evidence(closed_loop(200), recounted_ratio=ratio)
    )


def test_eight_words_cannot_be_64_tokens() -> None:
    samples = [replace(one, text="word " * 8, completion_tokens=64) for one in closed_loop(200)]
    assert "bytes of text" in only_reason(evidence(samples, asked_output_tokens=64))


def test_answers_that_are_all_the_same_are_said_to_be() -> None:
    samples = [replace(one, text="the same words") for one in closed_loop(200)]
    verdict = judge(evidence(samples))
    assert verdict.valid
    assert verdict.not_checked[0].startswith("answers: all 200 are the same text")


def test_another_models_name_is_said() -> None:
    verdict = judge(evidence(closed_loop(200), asked_model="org/Big-70B", echoed_model="small-1b"))
    assert verdict.valid
    assert verdict.not_checked == ("model: asked for 'org/Big-70B', the server's answers name 'small-1b'",)


@pytest.mark.parametrize("echoed", ["Big-70B", "/models/big-70b.gguf", "org/Big-70B-Instruct"])
def test_the_same_model_by_another_spelling_is_that_model(echoed: str) -> None:
    assert judge(evidence(closed_loop(200), asked_model="org/Big-70B", echoed_model=echoed)).not_checked == ()


def test_a_stream_that_ends_late_keeps_its_place_busy() -> None:
    """[DONE] 80 ms after the last token: the stream is taken until then."""
    samples, start = [], 0.0
    for i in range(200):
        samples.append(sample(start=start, text=f"{i:11}", end_s=start + 0.28))
        start += 0.2801
    assert judge(evidence(samples)).valid


def test_a_steady_run_says_what_drift_could_have_hidden_in_it() -> None:
    itls = np.random.default_rng(3).lognormal(-4.6, 0.5, 120)
    starts = np.concatenate([[0.0], np.cumsum(0.1 + 10 * itls)])
    uneven = [
        sample(start=start, itl=itl) for start, itl in zip(starts.tolist(), itls.tolist(), strict=False)
    ]
    said = judge(evidence(uneven)).not_checked
    assert any(one.startswith("steadiness: a drift below") for one in said)
