"""Checks that answers came as they were generated, and that they hold what the server charged for. Pure.

The shape of a stream shows it: if a server is honest, the first gap is like the others, no gap makes up most of the
answer, and events come one by one, or a few at a time with speculative decoding.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from sagellm_benchmark.verdict.columns import Floats, known
from sagellm_benchmark.verdict.evidence import Evidence, Findings, NotChecked
from sagellm_benchmark.verdict.recounts import Thin
from sagellm_benchmark.verdict.shapes import ENOUGH_EVENTS, TOGETHER_S, Shapes

BUNCHED, MOST_BUNCHED = 0.5, 0.9  # of the gaps; speculation with an event per token stays in between
SPECULATED = 8  # events at once, which a step of speculation can give
MOST_TOGETHER = 16  # events at once; no speculation accepts more tokens per step
LENGTH_TOLERANCE = 0.02  # of a token count
RECOUNT_TOLERANCE = 0.1  # of one answer's count if its text is tokenized again, which may split it otherwise
NEARLY_ALL = 10  # the percentile that nine answers of ten reach
HELD_BACK, HELD_BACK_S = 4, 0.002  # a suspicious wait / the mean of the other gaps, and its least length
AHEAD = 2  # such a wait / all the time before it
LEAST_STEP = 0.25  # TTFT / a step of decoding
SOME = 0.1  # of the answers; fewer hardly change any figure
ALIKE = 0.25  # the relative difference up to which two times count as the same
MISSING = 2  # tokens of an answer for which there was no event
ONE_GAP = 0.8  # of the time from an answer's first to its last event
LEAST_RECOUNTED, MOST_RECOUNTED = 0.75, 1.5  # tokens of the text, tokenized again / tokens charged
MOST_BLANK = 0.2  # blanks at the ends of answers per token
LEAST_BYTES = 1.0  # of text per token; no token has less


def streamed(e: Evidence) -> Findings:
    """Check that answers were streamed: one that arrives in one piece has no TTFT."""
    many = e.columns.tokens >= 8
    if not many.any():
        if e.columns.answered:
            yield NotChecked("streaming: no answer has 8 tokens or more")
        return
    share = float(np.median(e.columns.ttft_s[many] / np.maximum(e.columns.e2e_s[many], 1e-9)))
    gaps = known(e.columns.itl_s[many])
    in_one_piece = float(np.median(e.columns.events[many])) <= 1
    if in_one_piece or (share > 0.95 and float(np.median(gaps)) < TOGETHER_S):
        yield (
            f"answers were not streamed: the first content came at {share:.0%} of the whole time; "
            "switch off buffering in the server or the proxy before it"
        )
    elif (whole := float((e.columns.events[many] <= 1).mean())) >= SOME:
        yield NotChecked(
            f"streaming: {whole:.0%} of the answers came in one piece; their TTFT is when they ended"
        )


def began_when_it_said(e: Evidence) -> Findings:
    """Check that first events are first tokens.

    An event that comes before the prefill is followed by a wait that is longer than all the time before it. A server
    whose prompts wait for each other has such waits, too, but never in nearly all answers: those that wait longest
    after their first tokens waited least before them.
    """
    shapes = Shapes.of(e.columns)
    if shapes is None:
        return
    wait, ahead, slower = (
        float(np.percentile(each, NEARLY_ALL))
        for each in (
            shapes.wait_s,
            shapes.wait_s / np.maximum(shapes.before_s, 1e-9),
            shapes.wait_s / np.maximum(shapes.other_s, 1e-9),
        )
    )
    if wait >= HELD_BACK_S and slower >= HELD_BACK and ahead >= AHEAD:
        yield (
            f"answers begin before they are computed: a wait of {wait * 1e3:.1f} ms or more follows their first "
            f"events, {AHEAD} times as long as all that came before it and {slower:.0f} times as long as the other "
            "gaps; TTFT is that of a placeholder: measure behind what sends it"
        )
        return
    if share := _some_began(e, shapes):
        yield (
            f"{share:.0%} of the answers begin before they are computed: they wait after their first events until the "
            "others have theirs; TTFT is that of a placeholder: measure behind what sends it"
        )
    elif wait >= HELD_BACK_S and slower >= HELD_BACK and ahead >= AHEAD / 4:
        yield NotChecked(
            f"TTFT: a wait of {wait * 1e3:.1f} ms or more follows the first events, {slower:.0f} times as long as the "
            "other gaps: separate chips for prompts, or a placeholder"
        )
    yield from _sooner_than_a_step(e, shapes)


def _some_began(e: Evidence, shapes: Shapes) -> float:
    """Return the share of answers that began early and then paused until the others began; 0 if there are none.

    Only prompts that are sent one at a time are judged: if prompts wait for each other, an honest answer that begins
    early waits later.
    """
    late_s = shapes.before_s + shapes.wait_s
    early = (shapes.wait_s >= np.maximum(HELD_BACK_S, HELD_BACK * shapes.other_s)) & (
        shapes.wait_s >= AHEAD * shapes.before_s
    )
    share = float(early.mean())
    if e.concurrency != 1 or not SOME <= share < 1:
        return 0.0
    others_s = float(np.median(shapes.ttft_s[~early]))
    alike = abs(float(np.median(late_s[early])) - others_s) <= ALIKE * others_s
    return share if alike and float(np.median(shapes.ttft_s[early])) < others_s / 2 else 0.0


def _sooner_than_a_step(e: Evidence, shapes: Shapes) -> Findings:
    """Check that first events do not come sooner than a decode step: a prompt also takes at least one pass."""
    ttft_s, step_s = float(np.median(e.columns.ttft_s)), float(np.median(shapes.other_s))
    if ttft_s >= LEAST_STEP * step_s or step_s < HELD_BACK_S:
        return
    seen = f"first events after {ttft_s * 1e3:.1f} ms, where a step of decoding takes {step_s * 1e3:.1f} ms"
    if _uncharged(e):
        yield (
            f"answers begin before they are computed: {seen}, and more events than tokens in nearly all of them; "
            "TTFT is that of a placeholder: measure behind what sends it"
        )
    else:
        yield NotChecked(
            f"TTFT: {seen}: a cache, quicker chips for prompts, a stream that is slowed, or a placeholder"
        )


def _uncharged(e: Evidence) -> bool:
    """Return whether nearly all answers have more events than tokens."""
    counted = e.columns.tokens[~np.isnan(e.columns.tokens)]
    if not len(counted):
        return False
    more = e.columns.events[~np.isnan(e.columns.tokens)] > counted
    return float(more.mean()) >= 1 - NEARLY_ALL / 100


def came_one_by_one(e: Evidence) -> Findings:
    """Check that answers arrived step by step, as they were generated."""
    shapes = Shapes.of(e.columns)
    if shapes is None:
        return
    together, largest = float(np.median(shapes.together)), float(np.median(shapes.largest))
    share = float((e.columns.gap_s < TOGETHER_S).mean())
    if share >= MOST_BUNCHED or together > MOST_TOGETHER:
        yield (
            f"answers were held back and let go in bunches: {together:.0f} events come at once, {share:.0%} of all "
            f"gaps are shorter than {TOGETHER_S * 1e3:g} ms; switch off buffering in the server or the proxy before it"
        )
    elif largest >= ONE_GAP and e.concurrency == 1:
        yield (
            f"answers came in two pieces: one gap is {largest:.0%} of the time between first and last event; "
            "switch off buffering in the server or the proxy before it"
        )
    elif largest >= ONE_GAP:
        yield NotChecked(
            f"streaming: one gap is {largest:.0%} of an answer's time; either prompts waited for each other, or "
            "something held answers back: `--concurrency 1` shows which"
        )
    elif share >= BUNCHED or together > SPECULATED:
        yield NotChecked(
            f"streaming: {share:.0%} of the events came together with the one before, {together:.0f} at most, as "
            "speculation sends them; something that holds them back would do the same, and add to TTFT"
        )
    elif (some := float((shapes.together > MOST_TOGETHER).mean())) >= SOME:
        yield NotChecked(
            f"streaming: {some:.0%} of the answers came in bunches, of {shapes.together.max():.0f} events at most; "
            "the network, a proxy or a busy machine held them back"
        )


def off_length(tokens: Floats, asked: int, *, recounted: bool, slack: int = 0) -> npt.NDArray[np.bool_]:
    """Return which token counts are not what was asked for; `slack` is a difference in tokens that is always allowed.

    A text that is tokenized again may have a few tokens more or less than were generated. So if the counts are
    `recounted`, single ones may be further off, as long as their mean is not.
    """
    off = np.abs(tokens - asked)
    allowed = max(LENGTH_TOLERANCE * asked, slack)
    if recounted and len(tokens) and abs(float(tokens.mean()) - asked) <= allowed:
        allowed = RECOUNT_TOLERANCE * asked
    return off > allowed


def token_truth(e: Evidence) -> Findings:
    """Check that there are not more content events than tokens."""
    both = ~np.isnan(e.columns.tokens)
    if not both.any():
        return
    events, tokens = float(e.columns.events[both].sum()), float(e.columns.tokens[both].sum())
    if events > tokens * (1 + LENGTH_TOLERANCE) + e.columns.answered:
        yield (
            f"the server counted {tokens:.0f} output tokens but sent {events:.0f} content events; "
            "its usage is wrong: report that to its maintainers"
        )
    elif _uncharged(e):
        yield NotChecked(
            "output tokens: nearly all answers have one event more than tokens; either one token too few is "
            "charged, or that event is not a token"
        )


def ended_with_its_text(e: Evidence) -> Findings:
    """Check that answers ended with their text: tokens without text would take time after the last content event."""
    columns = e.columns
    tail_s, silent = columns.end_s - columns.last_s, columns.tokens - columns.events >= MISSING
    late = silent & (tail_s >= HELD_BACK_S) & (tail_s >= HELD_BACK * columns.itl_s)
    if late.any() and float(late.mean()) >= SOME:
        yield NotChecked(
            f"E2E and TPOT: {late.mean():.0%} of the answers went on for {np.median(tail_s[late]) * 1e3:.0f} ms after "
            "their last text, with fewer events than tokens; if these are tokens without text, both are too short"
        )


def text_holds_the_tokens(e: Evidence) -> Findings:
    """Check that the text of the answers has the tokens that the server charged for."""
    ratio = e.recounted_ratio
    if ratio is not None and not LEAST_RECOUNTED <= ratio <= MOST_RECOUNTED:
        yield (
            f"the text of the answers has {ratio:.2f} tokens for each that the server charged, by its own tokenizer; "
            "its usage is wrong, or it sends tokens without text: look at the answers in requests.jsonl"
        )
    elif e.thin is not None:
        yield _thin(e.thin)
    if e.charged_only and e.columns.answered:
        yield NotChecked(
            "output tokens: only the server counted them; there is no tokenizer to check this with"
        )
    tokens, text = float(np.nansum(e.columns.tokens)), e.texts
    if text is not None and tokens >= ENOUGH_EVENTS and text.bytes < LEAST_BYTES * tokens:
        yield (
            f"the answers hold {text.bytes} bytes of text for {tokens:.0f} tokens, less than one each; its usage "
            "is wrong, or it sends tokens without text: look at the answers in requests.jsonl"
        )


def _thin(thin: Thin) -> str | NotChecked:
    """Return what it means that some texts have the tokens charged for them and others do not."""
    seen = (
        f"the text of {thin.count} of {thin.of} answers has {thin.per_token:.2f} tokens for each that the server "
        "charged, by its own tokenizer"
    )
    if thin.is_quick and thin.count > 1 and thin.count >= SOME * thin.of:
        return (
            f"{seen}, and a token of theirs took {thin.pace:.2f} times as long as one of the other answers; "
            "its usage is wrong in them: look at the answers in requests.jsonl"
        )
    return NotChecked(
        f"output tokens: {seen}; tokens without text may end them, and the times of an answer end with its text"
    )


def answers_say_something(e: Evidence) -> Findings:
    """Note answers as a server gives them that computes nothing, or a model that has to go on for too long."""
    answered, texts = e.columns.answered, e.texts
    if not answered or texts is None:
        return
    if answered > 1 and texts.distinct == 1:
        yield NotChecked(
            f"answers: all {answered} are the same text, so it is not known whether prompts were read"
        )
    if texts.monotonous > answered / 2:
        yield NotChecked(f"answers: {texts.monotonous} of {answered} say a word or two over and over")
    if (e.echoes or 0) > answered / 2:
        yield NotChecked(
            f"answers: {e.echoes} of {answered} repeat their prompt, as a server without a model might"
        )
    if texts.blank_ends > MOST_BLANK * np.nansum(e.columns.tokens):
        yield NotChecked(
            f"answers: they end in {texts.blank_ends} blanks, so they may have been padded to their length"
        )


def is_the_model(e: Evidence) -> Findings:
    """Note if the server's answers name another model, which it may serve instead."""
    if e.asked_model is not None and e.echoed_model is not None and not _same(e.asked_model, e.echoed_model):
        yield NotChecked(
            f"model: asked for {e.asked_model!r}, the server's answers name {e.echoed_model[:80]!r}"
        )


def _same(asked: str, echoed: str) -> bool:
    """Return whether two names mean the same model: one contains the other, apart from case, folder and extension."""
    one, other = (re.split(r"[/\\]", name.casefold())[-1].removesuffix(".gguf") for name in (asked, echoed))
    return one in other or other in one
