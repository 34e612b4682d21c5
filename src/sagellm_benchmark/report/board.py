"""What `aggregate` and `validate` show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import click

from sagellm_benchmark.board.aggregate import Report, Skipped
from sagellm_benchmark.board.entry import Entry
from sagellm_benchmark.board.merge import Fate, Outcome
from sagellm_benchmark.board.validate import Checked, Validation
from sagellm_benchmark.files import Document
from sagellm_benchmark.report.job_summary import fitting
from sagellm_benchmark.text import MOST, columns, inert_markdown, plain
from sagellm_benchmark.typed import in_checkout, typed
from sagellm_benchmark.words import retold, t


def aggregate_text(report: Report, *, then_submit: bool = False) -> str:
    """Return the runs as a table, what was left out and why, what was written, and the next command, if any."""
    return "\n".join(
        [
            _headline(report),
            *_table([_cells(path, outcome) for path, outcome in report.outcomes]),
            *_skipped("left out, not to be published", report.left_out),
            *_skipped("damaged, skipped", report.damaged),
            *_unsound(report),
            "",
            *_closing(report, then_submit=then_submit),
        ]
    )


def aggregate_json(report: Report) -> Document:
    """Return the report as data: lists of runs by their outcome, each with its file and the other row's id."""
    fates: dict[str, list[dict[str, Any]]] = {fate.name.lower(): [] for fate in Fate}
    for path, outcome in report.outcomes:
        fates[outcome.fate.name.lower()].append(_facts(path, outcome))
    return {
        "outputs": str(report.outputs),
        "hf_data": str(report.hf_data),
        "offline": report.offline,
        **fates,
        "left_out": [_reasons(skipped) for skipped in report.left_out],
        "damaged": [_reasons(skipped) for skipped in report.damaged],
        "unsound": [{"entry_id": one.entry.entry_id, "reasons": list(one.reasons)} for one in report.unsound],
        "kept": report.kept,
        "rows": report.total,
        "written": list(report.written),
    }


def validation_text(validation: Validation) -> str:
    """Return every refused row with its reasons, the counts, and how many rows are valid only if they are published."""
    refused = [row for row in validation.rows if not row.valid]
    lines = [click.style(f"✗ {retold(plain(message))}", fg="red") for message in validation.damaged]
    for row in refused[:MOST]:
        where = f"✗ {retold(plain(row.found.where))}  {plain(row.entry_id or t('no entry_id'))}"
        lines.append(click.style(where, fg="red"))
        lines += [f"    {plain(reason)}" for reason in row.reasons]
    if len(refused) > MOST:
        lines.append(f"✗ and {len(refused) - MOST} more; --json lists them all")
    if not validation.files:
        return "there are no files to check; without FILES, those in hf_data/ are checked"
    good = len(validation.rows) - len(refused)
    verdict = retold(f"{good} of {_count(len(validation.rows), 'row')} valid")
    sound = not refused and not validation.damaged
    lines.append(click.style(verdict, fg="green" if sound else "red", bold=True))
    if old := sum(row.valid and bool(row.if_new) for row in validation.rows):
        lines.append(
            f"{old:,} of them only because they are published already; --as-new says what new ones lack"
        )
    return "\n".join(lines)


def validation_json(validation: Validation) -> Document:
    """Return a verdict for each row; files that could not be read are listed in `damaged`, if there are any."""
    rows = [
        {"entry_id": row.entry_id, "valid": row.valid, "reasons": list(row.reasons)}
        for row in validation.rows
    ]
    damaged = [plain(message) for message in validation.damaged]
    return {"rows": rows, **({"damaged": damaged} if damaged else {})}


def validation_markdown(validation: Validation) -> str:
    """Return the verdicts as a table for a job's summary, with refused rows first."""
    refused_first = sorted(validation.rows, key=lambda row: (row.valid, not row.if_new))
    title = f"### {t('Leaderboard rows')}"
    lines = [title, "", f"| {t('row')} | entry_id | {t('verdict')} |", "|---|---|---|"]
    if not validation.files:
        return f"{title}\n\n{t('There are no files to check.')}\n\n"
    told = chain(
        (f"| | | ✗ {inert_markdown(retold(message))} |" for message in validation.damaged),
        (
            "| "
            + " | ".join(map(inert_markdown, (retold(row.found.where), row.entry_id or "", _verdict(row))))
            + " |"
            for row in refused_first
        ),
    )
    shown = fitting(told)
    left = len(validation.damaged) + len(validation.rows) - len(shown)
    more = [f"| | | {t('and {count} more', count=left)} |"] if left else []
    return "\n".join([*lines, *shown, *more, "", ""])


def _verdict(row: Checked) -> str:
    """Return the verdict on a row; one that lacks what new rows must have is valid only if it is published."""
    if not row.valid:
        return f"✗ {_all(row.reasons)}"
    if row.if_new:
        return t("valid if already published; refused as new: {reasons}", reasons=_all(row.if_new))
    return t("valid")


def _all(reasons: Iterable[str]) -> str:
    return "; ".join(map(retold, reasons))


def _headline(report: Report) -> str:
    found = len(report.outcomes) + len(report.left_out) + len(report.damaged)
    if not found:
        return f"no finished run under {report.outputs}/; measure one first: {typed('run', 'bench')}"
    fates = Counter(outcome.fate for _, outcome in report.outcomes)
    parts = [f"{fates[fate]} {fate}" for fate in Fate if fates[fate]]
    parts += [f"{len(report.left_out)} left out"] if report.left_out else []
    parts += [f"{len(report.damaged)} damaged"] if report.damaged else []
    return f"{_count(found, 'finished run')} under {report.outputs}/: {', '.join(parts)}"


def _closing(report: Report, *, then_submit: bool) -> Iterator[str]:
    merged = "nothing fetched" if report.offline else "merged with the published board"
    wrote = f"wrote {', '.join(report.written)}" if report.written else "nothing to change"
    rows = f"{_count(report.total, 'row')}, {report.kept:,} kept as they were"
    yield f"{report.hf_data}/: {rows} ({merged}); {wrote}"
    if report.damaged:
        yield "next:  delete or repair the damaged files, then aggregate again"
    elif report.outcomes and not then_submit:
        submit = (
            f"{typed('submit')} (commits hf_data/ and pushes it), or, without Actions: {typed('publish')}"
        )
        yield f"next:  {submit if in_checkout() else typed('publish')}"


def _cells(path: Path, outcome: Outcome) -> tuple[str, ...]:
    return (
        t(outcome.fate.value),
        outcome.entry.identity.model,
        outcome.entry.identity.workload,
        outcome.entry.identity.engine,
        _rate(outcome.entry),
        _against(outcome),
        str(path.parent),
    )


def _against(outcome: Outcome) -> str:
    """Return a phrase about the row that this one replaced, or that beat it."""
    if outcome.other is None:
        return ""
    word = t("was") if outcome.fate is Fate.IMPROVED else t("by")
    return f"{word} {_rate(outcome.other)} ({outcome.other.entry_id[:8]})"


def _rate(entry: Entry) -> str:
    rate = entry.throughput_tps
    return "–" if rate is None else f"{rate:.1f} tok/s"


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    """Return aligned columns, indented by two."""
    yield from columns([tuple(plain(cell) for cell in row) for row in rows[:MOST]], figures=False)
    if len(rows) > MOST:
        yield f"  and {len(rows) - MOST} more; --json lists them all"


def _skipped(title: str, files: Iterable[Skipped]) -> Iterator[str]:
    for number, skipped in enumerate(files):
        if number == 0:
            yield f"{title}:"
        yield f"  {plain(str(skipped.path))}"
        yield from (f"    {plain(reason)}" for reason in skipped.reasons)


def _unsound(report: Report) -> Iterator[str]:
    if report.unsound:
        yield f"in {report.hf_data}/, left as they are: rows that may not be published"
    for one in report.unsound[:MOST]:
        yield f"  {plain(one.entry.entry_id or t('no entry_id'))}  {plain(one.entry.identity.model)}"
        yield from (f"    {plain(reason)}" for reason in one.reasons)
    if len(report.unsound) > MOST:
        yield f"  and {len(report.unsound) - MOST} more; --json lists them all"


def _facts(path: Path, outcome: Outcome) -> dict[str, Any]:
    identity = outcome.entry.identity
    return {
        "file": str(path),
        "entry_id": outcome.entry.entry_id,
        "engine": identity.engine,
        "model": identity.model,
        "workload": identity.workload,
        "throughput_tps": outcome.entry.throughput_tps,
        "other": None if outcome.other is None else outcome.other.entry_id,
    }


def _reasons(skipped: Skipped) -> dict[str, Any]:
    return {"file": str(skipped.path), "reasons": list(skipped.reasons)}


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
