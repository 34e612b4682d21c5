"""When not to believe a run. Pure: evidence in, reasons out, each naming the next action."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain

import numpy as np

from sagellm_benchmark.board.plausible import MAX_ERROR_RATE
from sagellm_benchmark.client.calibration import MAX_BIAS_S
from sagellm_benchmark.client.terms import ClientHealth
from sagellm_benchmark.verdict import steadiness
from sagellm_benchmark.verdict.cached import RepeatTest
from sagellm_benchmark.verdict.stats import (
    Columns,
    achieved_rate_rps,
    events_per_s,
    known,
    mean_in_flight,
    throughput_tps,
)

MAX_SPARSITY = 30  # the sparsest mixtures of experts read about a 27th of their weights in a step
MAX_LAG_S = 0.025  # p99 of how late the client's event loop may wake up, where TTFT is not longer by far
BUNCHED_S = 0.0001  # between events that a buffer has let go together; no decode step is as short
LENGTH_TOLERANCE = 0.02  # of the asked token count, and at least one token


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the checks look at. `None` means that nobody could know, and the check says so."""

    columns: Columns
    concurrency: int | None  # None in an open loop
    asked_rate_rps: float | None  # None in a closed loop, for all at once and for a trace
    prompts_repeated: bool  # a file of texts was too small
    asked_input_tokens: int | None  # of every prompt; None for conversations and real texts
    asked_output_tokens: int | None  # of every answer; None where lengths vary by design
    shared_prefix_tokens: int  # a chat template's own tokens, which a prefix cache may rightly hold
    may_cache: bool  # conversations share their own turns
    repeat_test: RepeatTest | None  # where the server does not tell what it took from its cache
    interrupted: bool
    timed_out: bool  # the interruption was our own
    health: ClientHealth
    calibrated_ttft_bias_s: float | None = None  # p50, against a server of known timing at this load shape
    most_events_per_s: float | None = None  # where the client gives out, by its calibration
    weights_bytes: int | None = None
    memory_bytes_per_s: float | None = None  # of all chips together
    energy_j: float | None = None
    watched_s: float | None = None  # the time over which energy was counted
    power_limit_w: float | None = None
    throttled: tuple[str, ...] = ()
    other_processes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Valid when no reason speaks against it; `not_checked` says which checks had nothing to look at."""

    reasons: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = field(default=())

    @property
    def valid(self) -> bool:
        """Whether the run's numbers may be believed."""
        return not self.reasons


@dataclass(frozen=True, slots=True)
class NotChecked:
    """A check that could not be made, and why."""

    why: str


Findings = Iterator[str | NotChecked]


def judge(evidence: Evidence) -> Verdict:
    """Every check over the evidence, in the order of CHECKS."""
    findings = list(chain.from_iterable(check(evidence) for check in CHECKS))
    return Verdict(
        reasons=tuple(finding for finding in findings if isinstance(finding, str)),
        not_checked=tuple(finding.why for finding in findings if isinstance(finding, NotChecked)),
    )


def finished(e: Evidence) -> Findings:
    """An interrupted run measured something, but not what was asked."""
    if e.timed_out:
        yield "--timeout ended it: only the finished requests were measured; give it more time, or fewer requests"
    elif e.interrupted:
        yield "interrupted: only the finished requests were measured; run it again to the end"


def answered(e: Evidence) -> Findings:
    """Most requests must have been answered; failures never drop out of the count."""
    failed = e.columns.attempted - e.columns.answered
    if e.columns.attempted == 0:
        yield "no request finished; give the run more time or look at the server's log"
    elif failed / e.columns.attempted > MAX_ERROR_RATE:
        kinds = ", ".join(f"{count}× {kind}" for kind, count in sorted(e.columns.failures.items()))
        yield (
            f"{failed} of {e.columns.attempted} requests failed ({kinds}), more than {MAX_ERROR_RATE:.0%}; "
            "requests.jsonl has each one's detail: fix the server or lower the load, then run again"
        )


def counted(e: Evidence) -> Findings:
    """Tokens must have been counted by somebody, and there must be some."""
    if not e.columns.answered:
        return
    rate = throughput_tps(e.columns)
    if rate is None:
        yield (
            "the server sent no usage and has no tokenizer to ask, so its tokens cannot be counted; "
            "enable usage in streams (stream_options.include_usage)"
        )
    elif rate == 0:
        yield "zero throughput with zero errors; the server's usage cannot be right: check its version"


def streamed(e: Evidence) -> Findings:
    """An answer that arrives in one piece has no TTFT."""
    many = e.columns.tokens >= 8
    if not many.any():
        if e.columns.answered:
            yield NotChecked("streaming: no answer has 8 tokens or more")
        return
    share = float(np.median(e.columns.ttft_s[many] / np.maximum(e.columns.e2e_s[many], 1e-9)))
    gaps = known(e.columns.itl_s[many])
    in_one_piece = float(np.median(e.columns.events[many])) <= 1
    if in_one_piece or (share > 0.95 and float(np.median(gaps)) < BUNCHED_S):
        yield (
            f"answers were not streamed: the first content came at {share:.0%} of the whole time; "
            "switch off buffering in the server or the proxy before it"
        )


def uncached(e: Evidence) -> Findings:
    """A prompt answered from a prefix cache was not computed."""
    if e.prompts_repeated:
        yield "prompts were sent more than once, so a cache may have answered them; give a larger dataset"
    if e.may_cache or not e.columns.answered:
        return
    cached = known(e.columns.cached_tokens)
    if not len(cached):
        yield from _as_slow_as_a_new_prompt(e)
        return
    beyond = np.maximum(
        cached - e.shared_prefix_tokens - 1, 0
    ).sum()  # 1: a begin-of-text token is always shared
    share = float(beyond / max(np.nansum(e.columns.prompt_tokens), 1))
    if share > LENGTH_TOLERANCE:
        yield f"{share:.0%} of the prompt tokens came from the server's cache; use another --seed or restart the server"


def _as_slow_as_a_new_prompt(e: Evidence) -> Findings:
    """For a server that does not report cached tokens: its prompts must not come as quickly as repeated ones do."""
    if e.repeat_test is None:
        yield NotChecked("prefix cache: the server does not report cached tokens")
        return
    typical, test = float(np.median(e.columns.ttft_s)), e.repeat_test
    if test.explains(typical):
        yield (
            f"the prompts were answered from a cache: TTFT {typical * 1e3:.1f} ms, where a new prompt takes "
            f"{test.new_ttft_s * 1e3:.1f} ms and a repeated one {test.repeated_ttft_s * 1e3:.1f} ms; "
            "use another --seed or restart the server"
        )
    elif test.shows_cache and typical > test.new_ttft_s:
        yield NotChecked("prefix cache: requests waited for each other, so that TTFT does not tell")


def lengths(e: Evidence) -> Findings:
    """Prompts and answers must be as long as the workload says."""
    for what, tokens, asked, action in (
        (
            "prompts",
            e.columns.prompt_tokens,
            e.asked_input_tokens,
            "use --api completions, where no template adds tokens",
        ),
        (
            "answers",
            e.columns.tokens,
            e.asked_output_tokens,
            "use a server that accepts ignore_eos, or --dataset with real lengths",
        ),
    ):
        if asked is None or not e.columns.answered:
            continue
        seen = known(tokens)
        if not len(seen):
            yield NotChecked(f"length of {what}: the server does not report it")
            continue
        off = np.abs(seen - asked) > max(LENGTH_TOLERANCE * asked, 1 if what == "prompts" else 0)
        if off.any():
            yield (
                f"{int(off.sum())} of {len(seen)} {what} have another length than the {asked} tokens asked "
                f"({int(seen.min())} to {int(seen.max())}); {action}"
            )


def token_truth(e: Evidence) -> Findings:
    """There cannot be more content events than tokens."""
    both = ~np.isnan(e.columns.tokens)
    if not both.any():
        return
    events, tokens = float(e.columns.events[both].sum()), float(e.columns.tokens[both].sum())
    if events > tokens * (1 + LENGTH_TOLERANCE) + e.columns.answered:
        yield (
            f"the server counted {tokens:.0f} output tokens but sent {events:.0f} content events; "
            "its usage is wrong: report that to its maintainers"
        )


def clocks(e: Evidence) -> Findings:
    """Time must go forward within every request."""
    if (e.columns.ttft_s < 0).any() or (e.columns.gap_s < 0).any():
        yield "clocks ran backwards: an answer came before its request; run on a machine with a steady monotonic clock"


def client_was_clean(e: Evidence) -> Findings:
    """A client that is late itself measures itself."""
    lag, share = e.health.loop_lag_p99_s, e.health.cpu_share
    action = "use --client-processes, move the client to another machine, or lower the load"
    if lag is None:
        yield NotChecked("client's event loop: the load was too short to watch it")
    typical_ttft = float(np.median(e.columns.ttft_s)) if e.columns.answered else None
    if lag is not None and typical_ttft is not None and lag > max(MAX_LAG_S, 0.25 * typical_ttft):
        yield f"the client was the bottleneck: its event loop woke up {lag * 1e3:.0f} ms late (p99); {action}"
    if share is not None and share > 0.95:
        yield f"the client was the bottleneck: it used {share:.0%} of a core; {action}"
    yield from _calibrated(e, typical_ttft, action)


def _calibrated(e: Evidence, typical_ttft: float | None, action: str) -> Findings:
    if e.calibrated_ttft_bias_s is None:
        yield NotChecked("client bias: not calibrated")
    elif typical_ttft is not None and e.calibrated_ttft_bias_s > max(MAX_BIAS_S, 0.1 * typical_ttft):
        yield (
            f"the client reports TTFT {e.calibrated_ttft_bias_s * 1e3:.1f} ms too high at this load shape "
            f"on this machine; {action}"
        )
    rate = events_per_s(e.columns)
    if e.most_events_per_s is not None and rate is not None and rate > e.most_events_per_s:
        yield (
            f"{rate:.0f} events/s are more than the {e.most_events_per_s:.0f} up to which this client was found clean "
            f"on this machine; {action}"
        )


def rate_was_reached(e: Evidence) -> Findings:
    """An open loop must really have sent at the rate it claims."""
    if e.asked_rate_rps is None:
        return
    due = known(e.columns.due_s)
    late = np.sort(e.columns.start_s[~np.isnan(e.columns.due_s)] - due) if len(due) else np.empty(0)
    achieved = achieved_rate_rps(e.columns)
    if achieved is None or len(late) < 20:
        yield NotChecked("arrival rate: fewer than 20 requests")
    elif float(np.percentile(late, 90)) > max(0.01, 1 / e.asked_rate_rps):
        yield (
            f"requests left late (p90 {np.percentile(late, 90) * 1e3:.0f} ms; {achieved:.2f}/s for "
            f"{e.asked_rate_rps:g}/s asked); use --client-processes or a lower --rate"
        )


def littles_law(e: Evidence) -> Findings:
    """Concurrency = rate × latency (Little 1961) in a closed loop that is long enough for its edges not to count."""
    if e.concurrency is None or not e.columns.answered:
        return
    in_flight = mean_in_flight(e.columns)
    if in_flight is not None and in_flight > e.concurrency * 1.01 + 0.01:
        yield (
            f"Little's law: {in_flight:.2f} requests were in flight on average, more than the "
            f"{e.concurrency} streams allow; this is a fault of the client: please report it"
        )
    elif e.columns.answered < 10 * e.concurrency:
        yield NotChecked("Little's law: fewer than 10 requests a stream")
    elif in_flight is not None and in_flight < 0.8 * e.concurrency and not e.columns.failures:
        yield (
            f"Little's law: only {in_flight:.2f} of {e.concurrency} streams were busy on average; "
            "give the run more --requests, or fewer streams"
        )


def steady(e: Evidence) -> Findings:
    """Latency must not grow or shrink over the window."""
    if e.concurrency is None and e.asked_rate_rps is None:
        yield NotChecked("steadiness: the load itself is not steady")
        return
    if e.may_cache:
        yield NotChecked("steadiness: the turns of a conversation grow by themselves")
        return
    trend = steadiness.of(e.columns)
    if trend is None or e.columns.answered < 10 * (e.concurrency or 1):
        yield NotChecked("steadiness: fewer than 100 answered requests, or than 10 a stream")
    elif trend.real:
        direction = "grew" if trend.change > 0 else "fell"
        yield (
            f"never steady: latency {direction} by {abs(trend.change):.0%} over the window; "
            "use a longer --warmup, or a rate that the server keeps up with"
        )


def physics(e: Evidence) -> Findings:
    """A decode step reads every active weight once, so a stream cannot step faster than memory feeds them."""
    if e.weights_bytes is None or e.memory_bytes_per_s is None:
        yield NotChecked("memory bandwidth: the size of the weights or the chip's bandwidth is not known")
        return
    step = known(e.columns.itl_s)
    if not len(step):
        return
    bound = e.weights_bytes / e.memory_bytes_per_s / MAX_SPARSITY
    if float(np.median(step)) < bound:
        yield (
            f"one token every {np.median(step) * 1e3:.2f} ms is faster than memory can feed even a part of the weights "
            f"({bound * 1e3:.2f} ms); check --hardware and which model is served"
        )


def hardware_was_ours(e: Evidence) -> Findings:
    """A shared or throttled accelerator measures its neighbours or its cooling."""
    if e.other_processes:
        pids = ", ".join(map(str, e.other_processes[:5]))
        yield f"another process used the GPU during the run (pid {pids}); stop it and run again"
    if e.throttled:
        yield f"the GPU was throttled ({', '.join(e.throttled)}); let it cool or raise its power limit, then run again"
    if e.energy_j is not None and e.power_limit_w is not None and e.watched_s:
        mean = e.energy_j / e.watched_s
        if mean > 1.1 * e.power_limit_w:
            yield (
                f"energy cannot be right: {mean:.0f} W on average with a limit of {e.power_limit_w:.0f} W; "
                "update the driver"
            )


CHECKS: tuple[Callable[[Evidence], Findings], ...] = (
    finished,
    answered,
    counted,
    streamed,
    uncached,
    lengths,
    token_truth,
    clocks,
    client_was_clean,
    rate_was_reached,
    littles_law,
    steady,
    physics,
    hardware_was_ours,
)
