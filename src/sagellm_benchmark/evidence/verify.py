"""Compute a row again from its requests, and say what does not fit. Pure: bytes in, findings out."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import orjson

from sagellm_benchmark._version import __version__
from sagellm_benchmark.board.identity import Row, entry_id
from sagellm_benchmark.board.proof import evidence_of
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.evidence import statement as statements
from sagellm_benchmark.evidence.bundle import unpack
from sagellm_benchmark.evidence.statement import EVIDENCE_FILE, PUBLIC, Statement, sha256, without_evidence
from sagellm_benchmark.runs import codec
from sagellm_benchmark.runs import requests as lines
from sagellm_benchmark.runs import row as rows
from sagellm_benchmark.runs.codec import summary_json
from sagellm_benchmark.runs.record import Config, Record, Summary
from sagellm_benchmark.runs.requests import REQUESTS_FILE, Request
from sagellm_benchmark.verdict.checks import judge
from sagellm_benchmark.verdict.columns import joined
from sagellm_benchmark.verdict.figures import NOTHING
from sagellm_benchmark.verdict.intervals import Interval
from sagellm_benchmark.verdict.metrics import THROUGHPUT
from sagellm_benchmark.verdict.summarize import summarize
from sagellm_benchmark.workload import recipe
from sagellm_benchmark.workload.sources import RANDOM

_FIGURE = re.compile(r"\d+(?:[.,]\d+)*")
_NAMED = 3  # fields in an error's message
CLOSE = 1e-9  # relative; between processors the last digits of a sum may differ
_UNPUBLISHABLE = "unpublishable"
_MOST_TOKENS = 1 << 27  # of prompts that are made again; half a minute of work
_HASHED = 1_000  # conversations that the hash of a run's prompts covers


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A field that differs from what follows from the requests."""

    field: str
    claimed: Any
    recomputed: Any

    def __str__(self) -> str:
        return f"{self.field}: claimed {_shown(self.claimed)}, recomputed {_shown(self.recomputed)}"


@dataclass(frozen=True, slots=True)
class Findings:
    """What checking a row found; `not_checked` lists what could not be checked."""

    entry_id: str
    requests: int
    mismatches: tuple[Mismatch, ...]
    not_checked: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether the row follows from its evidence."""
        return not self.mismatches


def verify(row: Any, files: Mapping[str, bytes]) -> Findings:
    """Check a row against the files of its run, or of its bundle. Raise DataError for what cannot be read."""
    if not isinstance(row, dict) or evidence_of(row) is None:
        raise DataError(
            "the row names no evidence",
            hint="it is from an older version, or not from this tool: it is a claim",
        )
    content = _file(files, EVIDENCE_FILE)
    said = statements.parse(content)
    claimed = codec.parse(_file(files, "config.json"), _file(files, "summary.json"))
    requests = list(lines.read(_file(files, REQUESTS_FILE)))
    try:
        computed, other_intervals = _by_its_own_method(claimed, _recomputed(said, claimed, requests))
        computed, other_words = _in_its_own_words(claimed, computed)
        other_prompts, unmade = _prompts(said, claimed.config, requests)
        against = tuple(_against(row, said, claimed, computed))
    except (LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise DataError(
            f"the evidence is incomplete: {error!r}", hint="restore it, or measure again"
        ) from error
    bound = (*_bound(row, content), *_digests(said, files))
    return Findings(
        str(row.get("entry_id")),
        len(requests),
        (*bound, *against, *other_prompts),
        (*other_intervals, *other_words, *unmade),
    )


def prove(row: Any, packed: bytes) -> Interval | None:
    """Return the 95 % interval of the row's throughput in tokens/s; None if its bundle states none.

    Raise DataError, naming the first fields that differ, if the row does not follow from its bundle.
    """
    files = unpack(packed)
    found = verify(row, files)
    if not found.fits:
        raise DataError("; ".join(map(str, found.mismatches[:_NAMED])))
    claimed = codec.parse(_file(files, "config.json"), _file(files, "summary.json"))
    return claimed.summary.numbers.intervals.get(THROUGHPUT.name)


def differences(field: str, claimed: Any, recomputed: Any) -> Iterator[Mismatch]:
    """Yield the places where two JSON values differ by more than rounding, also inside objects and arrays."""
    if isinstance(claimed, Mapping) and isinstance(recomputed, Mapping):
        for name in {**claimed, **recomputed}:
            below = f"{field}.{name}" if field else str(name)
            yield from differences(below, claimed.get(name), recomputed.get(name))
    elif isinstance(claimed, list | tuple) and isinstance(recomputed, list | tuple):
        if len(claimed) != len(recomputed):
            yield Mismatch(field, list(claimed), list(recomputed))
        for place, pair in enumerate(zip(claimed, recomputed, strict=False)):
            yield from differences(f"{field}[{place}]", *pair)
    elif not _same(claimed, recomputed):
        yield Mismatch(field, claimed, recomputed)


def _same(one: Any, other: Any) -> bool:
    if type(one) in (int, float) and type(other) in (int, float):
        return math.isclose(one, other, rel_tol=CLOSE, abs_tol=1e-12)
    return type(one) is type(other) and bool(one == other)


def _bound(row: Row, content: bytes) -> Iterator[Mismatch]:
    """Yield a mismatch unless the row names the statement, and the row's id covers that name."""
    yield from differences("evidence.sha256", evidence_of(row), sha256(content))
    yield from differences("entry_id", row.get("entry_id"), entry_id(row))


def _digests(said: Statement, files: Mapping[str, bytes]) -> Iterator[Mismatch]:
    """Yield each file that is not the one that the statement is about; what a log got later does not count."""
    for name, content in files.items():
        if name in said.digests:
            then = content[: said.lengths.get(name)]
            yield from differences(f"sha256 of {name}", said.digests[name], sha256(then))


def _recomputed(said: Statement, claimed: Record, requests: list[Request]) -> Record:
    """Return the record that follows from the requests, computed as the run itself computes its own."""
    repeats = lines.repeats(requests, said.grounds.windows_s)
    columns = joined(repeats)
    verdict = judge(said.grounds.evidence(columns))
    summary = replace(
        claimed.summary,
        numbers=summarize(repeats, said.grounds.measurement(columns)),
        valid=verdict.valid,
        reasons=verdict.reasons,
        not_checked=verdict.not_checked,
    )
    return Record(claimed.config, summary)


def _by_its_own_method(claimed: Record, computed: Record) -> tuple[Record, list[str]]:
    """Keep the claimed intervals of latencies' means if another version computed them by another method.

    They rank nothing. Return the record to compare with, and what is therefore not checked.
    """
    said, again = claimed.summary.numbers, computed.summary.numbers
    if said.interval_method == again.interval_method:
        return computed, []
    latencies = {
        name: replace(one, mean_ci95=said.figures.latencies.get(name, NOTHING).mean_ci95)
        for name, one in again.figures.latencies.items()
    }
    figures = replace(again.figures, latencies=latencies)
    numbers = replace(again, interval_method=said.interval_method, figures=figures)
    return replace(computed, summary=replace(computed.summary, numbers=numbers)), [
        "95 % intervals of the latencies' means: another version made them in another way"
    ]


def _in_its_own_words(claimed: Record, computed: Record) -> tuple[Record, list[str]]:
    """Keep the claimed words of the verdict: they may change between versions, but the verdict does not.

    A run of this version must have as many reasons and notes as were computed, with the same figures in them.
    Return the record to compare with, and what is therefore not checked.
    """
    said, again = claimed.summary, computed.summary
    if _words(said) == _words(again):
        return computed, []
    if claimed.config.tool.version == __version__ and _figures(said) != _figures(again):
        return computed, []
    summary = replace(again, reasons=said.reasons, not_checked=said.not_checked)
    return replace(computed, summary=summary), ["the words of the verdict: another version wrote them"]


def _words(summary: Summary) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(summary.reasons), tuple(summary.not_checked)


def _figures(summary: Summary) -> list[list[list[str]]]:
    return [[_FIGURE.findall(text) for text in texts] for texts in _words(summary)]


def _against(row: Row, said: Statement, claimed: Record, computed: Record) -> Iterator[Mismatch]:
    """Yield where the row, the summary and the statement differ from what was computed."""
    summaries = (_plain(summary_json(record.summary)) for record in (claimed, computed))
    yield from differences("summary", *summaries)
    again = _plain(without_evidence(rows.build(computed) or {}))
    if row.get(_UNPUBLISHABLE) and again.get(_UNPUBLISHABLE):
        again[_UNPUBLISHABLE] = row[_UNPUBLISHABLE]  # whatever the words, the row is not published
    yield from differences("", without_evidence(row), again)
    yield from differences("evidence.row", said.row, again)
    for name, value in _plain(statements.facts(computed)).items():
        yield from differences(f"evidence.{name}", said.predicate[name], value)


def _prompts(said: Statement, config: Config, requests: list[Request]) -> tuple[list[Mismatch], list[str]]:
    """Make every prompt again; return which prompts differ, and what could not be made again."""
    recipe_of, is_random = said.grounds.prompts, config.dataset.name == RANDOM
    if recipe_of is None and is_random:
        return [Mismatch("evidence.grounds.prompts", None, "what random prompts are made of")], []
    if recipe_of is None:
        return [], [
            f"prompts: they come from the file {config.dataset.name}, which is not part of the evidence"
        ]
    again = recipe.made_again(recipe_of, config.seed)
    wrong: list[Mismatch] = []
    if is_random:
        wrong += differences("workload", asdict(config.workload), asdict(again.prompts.workload))
    if (tokens := _tokens(again, config, requests)) > _MOST_TOKENS:
        return wrong, [
            f"prompts: they have {tokens:.1g} tokens, more than are made again ({_MOST_TOKENS:.1g})"
        ]
    wrong += _other_prompts(again, requests, uniform=config.dataset.uniform)
    if is_random:
        wrong += differences("dataset.sha256", config.dataset.sha256, _content_hash(again))
    unknown = []
    if again.mended:
        unknown.append(
            f"ends of {len(again.mended)} conversations: the server's tokenizer mended their lengths, "
            f"so that {again.unmade_share:.1%} of their text is as the evidence says, and not from the seed"
        )
    return wrong, unknown


def _tokens(again: recipe.Again, config: Config, requests: list[Request]) -> int:
    """Return how many tokens of text must be made to check every prompt: each turn takes its whole conversation."""
    workload = again.prompts.workload
    asked = (
        workload.input_tokens if config.dataset.uniform else one.sample.asked_input_tokens for one in requests
    )
    return workload.turns * (sum(asked) + min(again.prompts.count, _HASHED) * workload.input_tokens)


def _other_prompts(again: recipe.Again, requests: list[Request], *, uniform: bool) -> Iterator[Mismatch]:
    """Yield the prompts whose text differs; with `uniform`, all have the lengths of the workload."""
    workload = again.prompts.workload
    for request in requests:
        sample = request.sample
        asked = workload.input_tokens if uniform else sample.asked_input_tokens
        text = again.text(request.conversation, sample.turn, asked, sample.asked_output_tokens)
        name = f"prompt of conversation {request.conversation}, turn {sample.turn}"
        yield from differences(name, request.prompt_sha256, lines.prompt_hash(text))


def _content_hash(again: recipe.Again) -> str:
    digest = hashlib.sha256()
    for index in range(min(again.prompts.count, _HASHED)):
        for text in again.texts(index):
            digest.update(text.encode() + b"\0")
    return digest.hexdigest()


def _file(files: Mapping[str, bytes], name: str) -> bytes:
    """Return a file, or its public form. Raise DataError if both are missing."""
    content = files.get(name, files.get(f"{PUBLIC}{name}"))
    if content is None:
        raise DataError(f"{name} is missing", hint="give the run's folder, or its bundle")
    return content


def _plain(value: Any) -> Any:
    """Return the value as it is after writing it as JSON and reading it again."""
    return orjson.loads(orjson.dumps(value))


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= 80 else f"{text[:77]}…"
