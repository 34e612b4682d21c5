"""When not to believe a run. Pure: evidence in, reasons out, each naming the next action."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain

import numpy as np

from sagellm_benchmark.board.plausible import MAX_ERROR_RATE, TOKENS_PER_STEP
from sagellm_benchmark.client.calibration import MAX_BIAS_S
from sagellm_benchmark.machine.contention import Contended
from sagellm_benchmark.verdict import nodes, steadiness, streams
from sagellm_benchmark.verdict.cached import RepeatTest
from sagellm_benchmark.verdict.evidence import Evidence, Findings, Limit, NotChecked, Verdict
from sagellm_benchmark.verdict.stats import (
    achieved_rate_rps,
    events_per_s,
    known,
    mean_in_flight,
    throughput_tps,
)
from sagellm_benchmark.verdict.steadiness import Trend
from sagellm_benchmark.verdict.streams import LENGTH_TOLERANCE, off_length

__all__ = ["CHECKS", "Evidence", "Verdict", "judge"]

MOST_USED_BY_OTHERS = 0.1  # of the processors; of two cores, that cost llama.cpp a quarter of its tokens/s
MOST_STOLEN = 0.05  # of the processors, by the host of a virtual machine
MOST_WAITED = 0.1  # of the time in which the server could have run
MOST_CLIENT_WAITED = 1 / 3  # the client wakes up often, and briefly: up to 27 % where nothing else runs
MOST_PRESSED = (
    0.5  # of the time, some program waiting for a processor, where nobody sees what the server does
)
UNSTEADY, BUSY = "never steady", "the machine was busy"  # what these reasons begin with
VISIBLE_DRIFT = 0.3  # over the window: a run in which so much could hide says so
MAX_LAG_S = 0.025  # p99 of how late the client's event loop may wake up, where TTFT is not longer by far

Check = Callable[[Evidence], Findings]


def judge(evidence: Evidence, checks: Sequence[Check] | None = None) -> Verdict:
    """Put the evidence to every check, in their order; those of CHECKS unless others are given."""
    asked = CHECKS if checks is None else checks
    found = {check: list(check(evidence)) for check in asked}
    findings = list(chain.from_iterable(found.values()))
    gave_out = (limit for check, limit in NOT_THE_SERVERS.items() if _speaks(found.get(check, [])))
    return Verdict(
        reasons=tuple(finding for finding in findings if isinstance(finding, str)),
        not_checked=tuple(finding.why for finding in findings if isinstance(finding, NotChecked)),
        limited_by=next(gave_out, None),
    )


def _speaks(findings: Sequence[str | NotChecked]) -> bool:
    """Tell whether one of them is a reason against the run."""
    return any(isinstance(finding, str) for finding in findings)


def cancels_in_turn(reason: str) -> bool:
    """Tell whether what a reason says befalls two servers alike that are measured in turn."""
    return reason.startswith((UNSTEADY, BUSY))


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
    if e.columns.attempted == 1:
        yield "one request tells nothing of how latencies are spread; send more: --requests 10"


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


def uncached(e: Evidence) -> Findings:
    """A prompt answered from a prefix cache was not computed, whatever the server says of it."""
    if e.prompts_repeated:
        yield "prompts were sent more than once, so a cache may have answered them; give a larger dataset"
    if e.may_cache or not e.columns.answered:
        return
    cached = known(e.columns.cached_tokens)
    # 1: a begin-of-text token is always shared
    beyond = float(np.maximum(cached - e.shared_prefix_tokens - 1, 0).sum())
    share = beyond / max(np.nansum(e.columns.prompt_tokens), 1)
    if share > LENGTH_TOLERANCE:
        yield f"{share:.0%} of the prompt tokens came from the server's cache; use another --seed or restart the server"
    else:
        yield from _as_slow_as_new_prompts(e)


def _as_slow_as_new_prompts(e: Evidence) -> Findings:
    """The run's prompts must not come as quickly as repeated ones do."""
    test = e.repeat_test
    if test is None or not test.tells:
        yield NotChecked(
            "prefix cache, but for what the server says: not enough new prompts could be sent twice in the time for it"
        )
    elif share := test.answered(e.columns.ttft_s.tolist()):
        yield (
            f"{share:.0%} of the prompts were answered from a cache: their TTFT is like that of repeated ones "
            f"({test.quick_s * 1e3:.1f} ms), not of new ones ({test.new_ttft_s * 1e3:.1f} ms); "
            "use another --seed or restart the server"
        )
    elif test.shows_cache and float(np.median(e.columns.ttft_s)) > max(test.new_s):
        yield NotChecked("prefix cache: requests waited for each other, so that TTFT does not tell")
    elif few := test.too_few(e.columns.ttft_s.tolist()):
        yield NotChecked(f"prefix cache: {few} requests were as quick as repeated ones, which may be chance")
    elif not test.shows_cache and (share := test.known(e.columns.ttft_s.tolist(), alike=_alike(e, test))):
        yield (
            f"{share:.0%} of the prompts were known before: their TTFT is much shorter than that of new ones "
            f"({test.new_ttft_s * 1e3:.1f} ms), repeated or not; use another --seed"
        )


def _alike(e: Evidence, test: RepeatTest) -> bool:
    """Tell whether the test's prompts had no more company than the run's, which makes TTFT longer."""
    return e.concurrency in {None, 1} or not test.shorter_answers


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
        are_prompts = what == "prompts"
        off = off_length(
            seen, asked, recounted=e.recounted and not are_prompts, slack=1 if are_prompts else 0
        )
        if off.any():
            yield (
                f"{int(off.sum())} of {len(seen)} {what} have another length than the {asked} tokens asked "
                f"({int(seen.min())} to {int(seen.max())}); {action}"
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
        where = nodes.worst(e, "loop_lag_p99_s")
        yield f"the client was the bottleneck: its event loop woke up {lag * 1e3:.0f} ms late (p99){where}; {action}"
    if share is not None and share > 0.95:
        yield f"the client was the bottleneck: it used {share:.0%} of a core{nodes.worst(e, 'cpu_share')}; {action}"
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
    trend = trend_of(e)
    if isinstance(trend, NotChecked):
        yield trend
    elif trend.real:
        direction = "grew" if trend.by > 0 else "fell"
        yield (
            f"{UNSTEADY}: latency {direction} by {abs(trend.by):.0%} over the window; "
            "use a longer --warmup, or a rate that the server keeps up with"
        )
    elif trend.least > VISIBLE_DRIFT:
        yield NotChecked(
            f"steadiness: a drift below {trend.least:.0%} could not have been seen; send more --requests"
        )


def trend_of(e: Evidence) -> Trend | NotChecked:
    """Return how latency went over the window, or why nobody can tell."""
    if e.concurrency is None and e.asked_rate_rps is None:
        return NotChecked("steadiness: the load itself is not steady")
    if e.may_cache:
        return NotChecked("steadiness: prompts that begin alike, as turns do, take unlike times")
    trend = steadiness.of(e.columns)
    if trend is None or e.columns.answered < 10 * (e.concurrency or 1):
        return NotChecked("steadiness: fewer than 100 answered requests, or than 10 a stream")
    return trend


def physics(e: Evidence) -> Findings:
    """A decode step reads every active weight once, so a stream cannot step faster than memory feeds them."""
    if e.step_floor_s is None:
        yield NotChecked("memory bandwidth: the size of the weights or the chip's bandwidth is not known")
        return
    step = known(e.columns.itl_s)
    if not len(step):
        return
    bound = e.step_floor_s / TOKENS_PER_STEP
    if float(np.median(step)) < bound:
        yield (
            f"one token every {np.median(step) * 1e3:.2f} ms is faster than memory can feed the weights: "
            f"{bound * 1e3:.2f} ms even at {TOKENS_PER_STEP} tokens a step; "
            "check --hardware, --parameters and which model is served"
        )


def machine_was_free(e: Evidence) -> Findings:
    """Where other programs want the processors, a server and its client wait, and the wait is measured as theirs."""
    seen = e.contention
    if seen is None:
        yield NotChecked("contention: the server's process is not here to be seen, or the load was too short")
        return
    if seen.others_share is None:
        yield NotChecked(_unseen(seen, here=e.server_is_here))
    figures = (
        f"other programs used {_share(seen.others_share)} of the processors, "
        f"the host took {seen.steal_share or 0:.0%}; "
        f"the server waited {_share(seen.server_wait_share)} of the time it could have run, "
        f"the client {_share(seen.client_wait_share)}; "
        f"for {_share(seen.pressure_share)} of the time a program waited for a processor"
    )
    if _busy(seen) and e.may_be_busy:
        yield NotChecked(f"contention, by --accept-busy: {figures}")
    elif _busy(seen):
        yield f"{BUSY}: {figures}; stop what else runs on it, then run again"


def _busy(seen: Contended) -> bool:
    """Tell whether somebody took what server or client needed; unseen servers are judged by the whole machine."""
    server, client = seen.server_wait_share, seen.client_wait_share
    told = server is not None or client is not None
    waited = (server or 0.0) > MOST_WAITED or (client or 0.0) > MOST_CLIENT_WAITED or not told
    if (seen.steal_share or 0.0) > MOST_STOLEN:
        return True
    if seen.others_share is None:
        return (seen.pressure_share or 0.0) > MOST_PRESSED and waited
    return seen.others_share > MOST_USED_BY_OTHERS and waited


def _unseen(seen: Contended, *, here: bool) -> str:
    wait, pressed = _share(seen.client_wait_share), _share(seen.pressure_share)
    where = "runs here, but its process cannot be seen" if here else "is not here to be seen"
    return (
        f"contention: the server {where}; the client waited {wait} of the time it could have run, "
        f"and for {pressed} of the time a program of this machine waited for a processor"
    )


def _share(value: float | None) -> str:
    return "an unknown part" if value is None else f"{value:.0%}"


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


CHECKS: tuple[Check, ...] = (
    finished,
    answered,
    counted,
    streams.streamed,
    streams.began_when_it_said,
    streams.came_one_by_one,
    uncached,
    lengths,
    streams.token_truth,
    streams.text_holds_the_tokens,
    streams.answers_say_something,
    streams.is_the_model,
    nodes.all_there,
    nodes.one_clock,
    nodes.undisturbed,
    clocks,
    client_was_clean,
    rate_was_reached,
    littles_law,
    steady,
    physics,
    machine_was_free,
    hardware_was_ours,
)

NOT_THE_SERVERS: Mapping[Check, Limit] = {
    machine_was_free: "machine",
    client_was_clean: "client",
    rate_was_reached: "client",
}
"""Checks whose reasons speak against what measured, and not against what was measured."""
