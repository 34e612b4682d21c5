"""Whether answers came as they were generated, and hold what the server charged for. Pure.

What a stream looks like tells: of an honest server the first gap is like the others, no gap is most of the answer, and
events come one by one, or in the few of a speculative step.
"""

from __future__ import annotations

import re

import numpy as np

from sagellm_benchmark.verdict.evidence import Evidence, Findings, NotChecked
from sagellm_benchmark.verdict.stats import Columns, Floats, known

BUNCHED_S = 0.0001  # between events that were let go together; no decode step is as short
MOST_BUNCHED = 0.9  # of the gaps; speculation that accepts eight tokens a step stays below
LENGTH_TOLERANCE = 0.02  # of a token count
ENOUGH_EVENTS = 16  # of an answer whose shape is looked at
HELD_BACK = 10  # first gap ÷ the others' mean: the prefill came after the first event
HELD_BACK_S = 0.002
ONE_GAP = 0.8  # of an answer's span
LEAST_RECOUNTED, MOST_RECOUNTED = 0.75, 1.5  # tokens of the text, tokenized again, to tokens charged
LEAST_BYTES = 1.0  # of text for a token: no token stands for less


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


def began_when_it_said(e: Evidence) -> Findings:
    """A first event ahead of the prefill is no first token: in every answer a long wait follows it.

    Where prefills go before decoding, early answers of a wave wait after their first token too; the last ones do not.
    """
    waits = first_gaps(e.columns)
    if not len(waits):
        return
    first, others = float(np.percentile(waits[:, 0], 5)), float(np.median(waits[:, 1]))
    ratio = float(np.percentile(waits[:, 0] / np.maximum(waits[:, 1], 1e-9), 5))
    if ratio >= HELD_BACK and first >= HELD_BACK_S:
        yield (
            f"answers begin before they are computed: {first * 1e3:.1f} ms or more follow the first event, "
            f"{others * 1e3:.2f} ms each of the others; TTFT is that of a placeholder: measure behind what sends it"
        )


def came_one_by_one(e: Evidence) -> Findings:
    """What was generated step by step must arrive step by step."""
    if len(e.columns.gap_s) < ENOUGH_EVENTS or not (e.columns.events >= ENOUGH_EVENTS).any():
        return
    bunched = float((e.columns.gap_s < BUNCHED_S).mean())
    largest = largest_gap_share(e.columns)
    if bunched >= MOST_BUNCHED:
        yield (
            f"answers were held back and let go in bunches: {bunched:.0%} of the gaps between events are shorter than "
            f"{BUNCHED_S * 1e3:g} ms; switch off buffering in the server or the proxy before it"
        )
    elif largest is not None and largest >= ONE_GAP:
        yield (
            f"answers came in two pieces: one gap is {largest:.0%} of the time between first and last event; "
            "switch off buffering in the server or the proxy before it"
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


def text_holds_the_tokens(e: Evidence) -> Findings:
    """The text must be as long as the tokens that the server charged for it."""
    ratio = e.recounted_ratio
    if ratio is not None and not LEAST_RECOUNTED <= ratio <= MOST_RECOUNTED:
        yield (
            f"the text of the answers has {ratio:.2f} tokens for each that the server charged, by its own tokenizer; "
            "its usage is wrong, or it sends tokens without text: look at the answers in requests.jsonl"
        )
    tokens, text = float(np.nansum(e.columns.tokens)), e.answer_bytes
    if text is not None and tokens >= ENOUGH_EVENTS and text < LEAST_BYTES * tokens:
        yield (
            f"the answers hold {text} bytes of text for {tokens:.0f} tokens, less than one each; its usage "
            "is wrong, or it sends tokens without text: look at the answers in requests.jsonl"
        )


def answers_differ(e: Evidence) -> Findings:
    """Different prompts that all get the same answer may not have been read; nobody can know."""
    if e.columns.answered > 1 and e.distinct_answers == 1:
        yield NotChecked(
            f"answers: all {e.columns.answered} are the same text, so nobody knows if prompts were read"
        )


def is_the_model(e: Evidence) -> Findings:
    """A server that calls its model otherwise may serve another one."""
    if e.asked_model is not None and e.echoed_model is not None and not _same(e.asked_model, e.echoed_model):
        yield NotChecked(
            f"model: asked for {e.asked_model!r}, the server's answers name {e.echoed_model[:80]!r}"
        )


def first_gaps(columns: Columns) -> Floats:
    """Of each answer with events enough: its first gap, and the mean of the others; seconds."""
    enough = columns.events >= ENOUGH_EVENTS
    if not enough.any():
        return np.empty((0, 2))
    offsets = (np.cumsum(columns.events - 1) - (columns.events - 1))[enough].astype(int)
    first = columns.gap_s[offsets]
    spans = (columns.last_s - columns.first_s)[enough]
    return np.column_stack([first, (spans - first) / (columns.events[enough] - 2)])


def largest_gap_share(columns: Columns) -> float | None:
    """The largest gap of an answer ÷ its span, as the typical answer has it; None where answers are short."""
    several = columns.events > 1
    enough = (columns.events >= ENOUGH_EVENTS)[several]
    if not enough.any():
        return None
    gaps = columns.events[several] - 1
    largest = np.maximum.reduceat(columns.gap_s, (np.cumsum(gaps) - gaps).astype(int))
    spans = (columns.last_s - columns.first_s)[several]
    return float(np.median(largest[enough] / np.maximum(spans[enough], 1e-9)))


def _same(asked: str, echoed: str) -> bool:
    """Whether two names mean one model: one holds the other, but for case, folder and the ending of a file."""
    one, other = (re.split(r"[/\\]", name.casefold())[-1].removesuffix(".gguf") for name in (asked, echoed))
    return one in other or other in one
