"""Comparisons as text, as Markdown and as data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import click
import orjson

from sagellm_benchmark.board.identity import Row
from sagellm_benchmark.board.read import read_whole
from sagellm_benchmark.client.sample import Phase
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import Document, read_regular, to_json, write_whole
from sagellm_benchmark.report import folder
from sagellm_benchmark.report.folder import Finished
from sagellm_benchmark.report.markdown import table
from sagellm_benchmark.report.view import UNKNOWN, figure
from sagellm_benchmark.runs import requests
from sagellm_benchmark.runs.comparison import Compared, Comparison, compared
from sagellm_benchmark.runs.foreign import files as foreign
from sagellm_benchmark.runs.foreign.side import side as foreign_side
from sagellm_benchmark.runs.limit import Limit
from sagellm_benchmark.runs.side import Side, of_row, of_run
from sagellm_benchmark.text import columns, markdown, plain
from sagellm_benchmark.verdict.checks import cancels_in_turn
from sagellm_benchmark.verdict.compare import DETECT, FEWEST_ROUNDS, MOST_REPEATS, Speed
from sagellm_benchmark.words import retold, t

_MOST_REQUESTS_BYTES = 256 << 20  # of requests.jsonl; if it is larger, percentiles have no interval
_MOST_ROW_BYTES = 1 << 20

COMPARISON = "COMPARISON.md"
HEAD = ("figure", "A", "B", "difference", "95 %", "B is")


def open_side(path: Path) -> Side:
    """Open a side of a comparison: a run's folder, another client's results, or a file that holds one row.

    Raise DataError if `path` is none of these.
    """
    if (theirs := foreign.read(path)) is not None:
        return foreign_side(str(path), theirs)
    if not path.is_dir():
        return of_row(str(path), _row(path))
    noted = path / requests.REQUESTS_FILE
    known: list[requests.Request] = []
    record = folder.load(path)
    if record.timeline is not None and noted.is_file() and noted.stat().st_size <= _MOST_REQUESTS_BYTES:
        known = [
            one
            for one in requests.read(read_regular(noted, _MOST_REQUESTS_BYTES))
            if one.sample.phase is Phase.MEASURED
        ]
    return of_run(str(path), record, known)


def of_rounds(a: Finished, b: Finished, detect: float = DETECT) -> Comparison:
    """Compare two runs that were measured in turn; what affected both alike is no objection."""
    sides = [of_run(str(one.folder), one.record) for one in (a, b)]
    standing = [
        replace(side, against=tuple(reason for reason in side.against if not cancels_in_turn(reason)))
        for side in sides
    ]
    return compared(*standing, force=True, detect=detect, in_turn=True)


def write_comparison(folder: Path, comparison: Comparison, limits: Sequence[Limit]) -> Path:
    """Write the comparison into the second run's folder as Markdown and as JSON; return the Markdown file."""
    write_whole(folder / "comparison.json", to_json(comparison_json(comparison, limits)))
    write_whole(folder / COMPARISON, comparison_markdown(comparison, limits).encode())
    return folder / COMPARISON


def _row(path: Path) -> Row:
    try:
        value = orjson.loads(read_whole(path, _MOST_ROW_BYTES))
    except orjson.JSONDecodeError as error:
        raise DataError(
            f"{path} is not JSON: {error}", hint="name a run's folder, or a row's file"
        ) from error
    row = value[0] if isinstance(value, list) and len(value) == 1 else value
    if not isinstance(row, dict):
        raise DataError(f"{path} does not hold one row", hint="name a run's folder, or a file with one row")
    return row


def render_comparison(comparison: Comparison, limits: Sequence[Limit] = ()) -> str:
    """Return the comparison as text: the verdict first, then every figure of both sides."""
    return "\n".join(
        [
            f"A  {plain(comparison.a.name)}",
            f"B  {plain(comparison.b.name)}",
            "",
            f"  {_coloured(comparison)}",
            *(f"  attention: {plain(one)}" for one in comparison.objections),
            *(f"  {plain(one)}" for one in _unchecked(comparison)),
            *(
                click.style(f"  {retold(f'regression: {one.text}')}", fg="red")
                for one in _broken(comparison, limits)
            ),
            *(click.style(f"  {retold(one)}", fg="yellow") for one in _undecided(comparison, limits)),
            "",
            *columns([tuple(map(retold, HEAD)), *(_told(_cells(one)) for one in comparison.lines)]),
        ]
    )


def _coloured(comparison: Comparison) -> str:
    """Return the verdict in its colour, which is removed in a pipe and with NO_COLOR."""
    colours = {Speed.FASTER: "green", Speed.SLOWER: "red"}
    colour = colours.get(comparison.verdict or Speed.CANNOT_TELL, "yellow")
    return click.style(retold(sentence(comparison)), fg=colour, bold=True)


def _told(cells: tuple[str, ...]) -> tuple[str, ...]:
    label, *unit = cells[0].split(", ")
    metric, mean, _ = label.partition(" mean")
    label = f"{metric} {t('mean')}" if mean else retold(label)
    return (", ".join([label, *unit]), *cells[1:-1], retold(cells[-1]))


def comparison_markdown(comparison: Comparison, limits: Sequence[Limit] = ()) -> str:
    """Return the comparison as Markdown, for a job's summary or a pull request."""
    parts = [
        f"### {markdown(retold(sentence(comparison)))}",
        f"A: {markdown(comparison.a.name)}, B: {markdown(comparison.b.name)}",
        *(f"- {markdown(retold(f'attention: {one}'))}" for one in comparison.objections),
        *(f"- {markdown(one)}" for one in _unchecked(comparison)),
        *(f"- **{t('regression')}**: {markdown(one.text)}" for one in _broken(comparison, limits)),
        *(f"- {markdown(retold(one))}" for one in _undecided(comparison, limits)),
        table(tuple(map(retold, HEAD)), tuple(_told(_cells(one)) for one in comparison.lines)),
    ]
    return "\n\n".join(parts) + "\n\n"


def comparison_json(comparison: Comparison, limits: Sequence[Limit] = ()) -> Document:
    """Return the comparison as data. Changes are relative to A: 0.05 is 5 % more."""
    return {
        "a": comparison.a.name,
        "b": comparison.b.name,
        "verdict": comparison.verdict or "mixed",
        "more_repeats": comparison.more_repeats,
        "more_repeats_at_least": comparison.at_least,
        "in_turn": comparison.in_turn,
        "objections": comparison.objections,
        "not_checked": {"a": comparison.a.not_checked, "b": comparison.b.not_checked},
        "regressions": [one.text for one in _broken(comparison, limits)],
        "undecided": [one.text for one in limits if one.undecided(comparison)],
        "figures": {
            one.quantity.name: {
                "a": one.a,
                "b": one.b,
                "difference": None if one.difference is None else one.difference.share,
                "ci95": None if one.difference is None else one.difference.interval,
                "verdict": one.word,
            }
            for one in comparison.lines
        },
    }


def _broken(comparison: Comparison, limits: Sequence[Limit]) -> list[Limit]:
    return [one for one in limits if one.broken(comparison)]


def _undecided(comparison: Comparison, limits: Sequence[Limit]) -> Iterator[str]:
    for one in limits:
        if one.undecided(comparison):
            yield f"not decided: {one.text}: the figure has no interval; send more requests, or repeat the run"


def sentence(comparison: Comparison) -> str:
    """Return the verdict in one line, and what it would take to decide if it is open."""
    verdict = comparison.verdict
    if verdict is None:
        return "mixed: B is faster in some figures and slower in others"
    if verdict is not Speed.CANNOT_TELL:
        return f"B is {verdict.value}"
    if all(one.difference is None or one.difference.interval is None for one in comparison.lines):
        return f"cannot tell: {_why_unsure(comparison)}"
    more = comparison.more_repeats
    if more == 0:
        return f"cannot tell: any difference is smaller than {comparison.detect:.0%}"
    return f"cannot tell: {_wanted(more, comparison)} would decide a difference of {comparison.detect:.0%}"


def _why_unsure(comparison: Comparison) -> str:
    """Return why no figure has an interval, and what to do about it."""
    if comparison.in_turn:
        return f"there are fewer than {FEWEST_ROUNDS} rounds"
    if comparison.a.is_row or comparison.b.is_row:
        return "a leaderboard row does not say how sure its figures are; compare run folders"
    return "there are too few requests to say how sure these figures are; measure both with --repeats 5"


def _wanted(more: int | None, comparison: Comparison) -> str:
    """Return how many more repeats or rounds would decide; rounds come in twos: A first, then B first."""
    name, count = ("round", (more or 0) + (more or 0) % 2) if comparison.in_turn else ("repeat", more)
    if more is None:
        return f"more than {MOST_REPEATS} more {name}s"
    least = "at least " if comparison.at_least else ""
    return f"{least}{count} more {name if count == 1 else name + 's'}"


def _unchecked(comparison: Comparison) -> list[str]:
    """Return what our checks could not check in another client's files."""
    sides = (("A", comparison.a), ("B", comparison.b))
    return [
        t("not checked of {side}: {what}", side=letter, what="; ".join(map(retold, side.not_checked)))
        for letter, side in sides
        if side.not_checked
    ]


def _cells(one: Compared) -> tuple[str, ...]:
    values = [figure(value, digits=one.quantity.digits) for value in (one.a, one.b)]
    label = ", ".join(filter(None, (one.quantity.label, one.quantity.unit)))
    if one.difference is None:
        return (label, *values, UNKNOWN, UNKNOWN, one.word)
    ends = one.difference.interval
    between = UNKNOWN if ends is None or math.isinf(ends[1]) else f"{ends[0]:+.1%} {t('to')} {ends[1]:+.1%}"
    return (label, *values, f"{one.difference.share:+.1%}", between, one.word)
