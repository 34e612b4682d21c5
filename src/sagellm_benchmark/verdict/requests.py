"""Checks of the requests as a whole: that they were finished, answered, counted, and of the asked lengths."""

from __future__ import annotations

from sagellm_benchmark.board.plausible import MAX_ERROR_RATE
from sagellm_benchmark.verdict.columns import known
from sagellm_benchmark.verdict.evidence import Evidence, Findings, NotChecked
from sagellm_benchmark.verdict.stats import throughput_tps
from sagellm_benchmark.verdict.streams import off_length


def finished(e: Evidence) -> Findings:
    """Check that the run was not interrupted: it would have measured something, but not what was asked."""
    if e.timed_out:
        yield "--timeout ended it: only the finished requests were measured; give it more time, or fewer requests"
    elif e.interrupted:
        yield "interrupted: only the finished requests were measured; run it again to the end"


def answered(e: Evidence) -> Findings:
    """Check that most requests were answered, and that there is more than one."""
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
        yield "a single request says nothing about how latencies vary; send more: --requests 10"


def counted(e: Evidence) -> Findings:
    """Check that somebody counted the tokens, and that there are some."""
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


def lengths(e: Evidence) -> Findings:
    """Check that prompts and answers are as long as the workload says."""
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
                f"{int(off.sum())} of {len(seen)} {what} do not have the requested length of {asked} tokens "
                f"({int(seen.min())} to {int(seen.max())}); {action}"
            )
