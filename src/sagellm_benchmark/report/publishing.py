"""What `publish`, `submit`, `clean`, `withdraw` and `rebuild` show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from sagellm_benchmark.board.entry import Entry
from sagellm_benchmark.board.merge import Fate, Outcome
from sagellm_benchmark.board.standing import Standing
from sagellm_benchmark.board.submission import Refused
from sagellm_benchmark.files import Document
from sagellm_benchmark.hub.cleanup import Cleaned
from sagellm_benchmark.hub.plan import LARGE, MOST_WRITTEN, counted
from sagellm_benchmark.hub.publish import Published
from sagellm_benchmark.hub.rebuild import Rebuilt
from sagellm_benchmark.hub.submit import Submitted
from sagellm_benchmark.hub.withdraw import Withdrawn
from sagellm_benchmark.report.job_summary import fitting
from sagellm_benchmark.text import MOST, count_of, inert_markdown, plain, wide
from sagellm_benchmark.words import retold, t

_ORDER = (Fate.ADDED, Fate.IMPROVED, Fate.BEATEN, Fate.WITHDRAWN)
_AGAINST = {Fate.IMPROVED: "instead of", Fate.BEATEN: "by"}
_WOULD = {
    Fate.ADDED: "valid: the first of its configuration",
    Fate.IMPROVED: "valid: comes onto the board",
    Fate.BEATEN: "valid: kept, but beaten",
    Fate.WITHDRAWN: "withdrawn: it stays off the board",
}


def published_text(done: Published, *, sent: bool) -> str:
    """Return what happened to each row that was not published already, what was left out, and where to look."""
    lines = [f"{done.store.name}: {counted(done.outcomes)}"]
    told = sorted((o for o in done.outcomes if o.fate in _ORDER), key=lambda o: _ORDER.index(o.fate))
    lines += [f"  {_line(outcome, done.standing)}" for outcome in told[:MOST]]
    lines += [f"  and {len(told) - MOST} more; --json lists them all"] if len(told) > MOST else []
    lines += _repaired(done)
    lines += [f"left out: {plain(str(refused))}" for refused in done.refused[:MOST]]
    return "\n".join([*lines, *_closing(done, sent=sent)])


def published_json(done: Published, *, sent: bool) -> Document:
    """Return the result of a publish as data; `other` is the row that a row replaced, or that beats it."""
    return {
        "store": done.store.name,
        "commit": done.commit,
        "address": done.address,
        "written": done.written,
        "dry_run": not sent,
        "rows": [
            {
                "entry_id": outcome.entry.entry_id,
                "fate": outcome.fate.value,
                "other": None if outcome.other is None else outcome.other.entry_id,
            }
            for outcome in done.outcomes
        ],
        "mended": [entry.entry_id for entry in done.mended],
        "not_as_accepted": list(done.strange),
        "not_looked_at": list(done.unchecked),
        "refused": [{"where": one.found.where, "problems": list(one.reasons)} for one in done.refused],
    }


def published_markdown(done: Published, *, sent: bool, damaged: Sequence[str] = ()) -> str:
    """Return the result of a publish for a job's summary.

    Refused rows come first, then new ones, each with its figures; rows that were published already are only counted.
    """
    new = [outcome for outcome in done.outcomes[done.known :] if outcome.fate in _ORDER]
    told = [
        *(_cells("✗", t("cannot be read"), retold(message), None) for message in damaged),
        *(_refused(one) for one in done.refused),
        *(_new(outcome, sent=sent) for outcome in sorted(new, key=lambda o: _ORDER.index(o.fate))),
    ]
    old = len(done.outcomes) - len(new)
    head = t("Rows that were published") if sent else t("Rows that this adds to the board")
    columns = ("row", "model", "workload", "chip", "tokens/s", "what becomes of it")
    table = [f"| | {' | '.join(map(t, columns))} |", "|---|---|---|---|---|---|---|"]
    shown = fitting(told)
    more = [t("and {count} more", count=len(told) - len(shown)), ""] if len(told) > len(shown) else []
    none = [t("None."), ""] if not told else [*table, *shown, ""]
    already = t("Published before: {rows}.", rows=retold(count_of(old, "row")))
    return "\n".join([f"### {head}", "", *none, *more, already, "", ""])


def _repaired(done: Published) -> Iterator[str]:
    """Yield what others had done to the board, and how it was repaired."""
    if done.mended:
        yield f"somebody else wrote the board: {count_of(len(done.mended), 'row')} that it had lost are back on it"
        yield from (f"  {plain(entry.entry_id)}" for entry in done.mended[:MOST])
    yield from (f"not as it was accepted: {plain(retold(problem))}" for problem in done.strange[:MOST])
    yield from (f"not looked at: {plain(retold(note))}" for note in done.unchecked[:1])
    if done.largest > LARGE:
        most, size = MOST_WRITTEN >> 20, done.largest >> 20
        yield f"a file of the board has {size} MiB of at most {most}: plan the move to shards (docs/publishing.md)"


def submitted_text(done: Submitted) -> str:
    """Return what was pushed where, and what happens to it next."""
    where = f"{done.remote}/{done.branch}"
    if done.commit is None:
        return f"{where}: holds every row of yours already, nothing to push"
    lines = [f"{where}: pushed {done.rows} in {done.commit[:12]}"]
    if done.rounds > 1:
        lines.append(f"{done.rounds - 1} other pushes came first; their rows and yours are merged")
    if not done.followed:
        lines.append("next:  git pull (your checkout has work of its own, so it was left as it is)")
    return "\n".join([*lines, 'the workflow "Upload to Hugging Face" publishes it in 1 to 3 minutes'])


def cleaned_text(done: Cleaned | None) -> str:
    """Return what was removed and what was not; `done` is None if the user did not agree."""
    if done is None:
        return t("nothing was removed")
    if not done.removed and not done.reduced and not done.left:
        return f"branch {done.branch}: hf_data/ holds no rows, nothing to remove"
    removed = [*done.removed, *(f"the published rows of {path}" for path in done.reduced)]
    lines = [f"branch {done.branch}: removed {', '.join(removed)} in {done.commit[:12]}"]
    lines += [f"kept: {plain(reason)}" for reason in done.left]
    if not done.followed:
        lines.append("next:  git pull (your checkout has work of its own, so it was left as it is)")
    return "\n".join(lines)


def cleaned_markdown(done: Cleaned) -> str:
    """Return what was removed and what was not, for a job's summary."""
    removed = [t("removed {file}", file=inert_markdown(path)) for path in done.removed[:MOST]]
    only = "only rows that are not published are left in {file}"
    reduced = [t(only, file=inert_markdown(path)) for path in done.reduced]
    left = ["✗ " + t("kept: {what}", what=inert_markdown(retold(reason))) for reason in done.left[:MOST]]
    listed = fitting(f"- {line}" for line in (*left, *removed, *reduced)) or [
        t("There was nothing to remove.")
    ]
    return "\n".join([f"### {t('hf_data/ after publishing')}", "", *listed, "", ""])


def withdrawn_text(done: Withdrawn) -> str:
    """Return which row was taken off the board, by whom and why, and which row came back."""
    name, by, reason = done.entry.entry_id, done.withdrawal.by, done.withdrawal.reason
    head = f"{done.store.name}: withdrew" if done.written else f"{done.store.name}: was withdrawn before:"
    lines = [f"{head} {name}", f"  by {by}: {reason}"]
    lines += [f"  back on the board: {done.back.entry_id}"] if done.back is not None else []
    return "\n".join(map(plain, lines))


def withdrawn_json(done: Withdrawn) -> Document:
    """Return a withdrawal as data; `back` is the row that has its place now."""
    return {
        "store": done.store.name,
        "commit": done.commit,
        "address": done.address,
        "written": done.written,
        "entry_id": done.entry.entry_id,
        **done.withdrawal._asdict(),
        "back": None if done.back is None else done.back.entry_id,
    }


def rebuilt_text(done: Rebuilt) -> str:
    """Return whether the boards follow from the accepted rows."""
    source = _source(done)
    notes = [f"note: {note}" for note in done.notes]
    if not done.differences:
        return "\n".join([f"at {done.commit}: the boards are, byte for byte, what {source} give", *notes])
    listed = [f"  {plain(retold(difference))}" for difference in done.differences[:MOST]]
    more = [f"  and {len(done.differences) - MOST} more"] if len(done.differences) > MOST else []
    return "\n".join([f"at {done.commit}: the boards are not what {source} give", *listed, *more, *notes])


def _source(done: Rebuilt) -> str:
    rows = count_of(done.recorded, "row")
    return f"{count_of(done.submissions, 'submission')} and {rows} recorded beside them"


def written_text(done: Rebuilt, folder: Path) -> str:
    """Return what was written, from which rows, and what could not be used."""
    source = _source(done)
    lines = [f"{folder}: the boards that {source} give at {done.commit}"]
    lines += [f"left out: {plain(retold(difference))}" for difference in done.differences[:MOST]]
    return "\n".join([*lines, *(f"note: {note}" for note in done.notes)])


def _refused(one: Refused) -> str:
    row = one.found.row
    entry = Entry.of(row) if isinstance(row, dict) else None
    said = t("refused: {reasons}", reasons="; ".join(map(retold, one.reasons)))
    return _cells("✗", said, retold(one.found.where), entry)


def _new(outcome: Outcome, *, sent: bool) -> str:
    said = t(outcome.fate.value if sent else _WOULD[outcome.fate])
    return _cells(t("new"), f"{said}{_other(outcome)}", outcome.entry.entry_id, outcome.entry)


def _other(outcome: Outcome) -> str:
    """Return a phrase about the row that this one replaced, or that beats it."""
    return "" if outcome.other is None else f" {t(_AGAINST[outcome.fate])} {outcome.other.entry_id}"


def _cells(mark: str, fate: str, name: str, entry: Entry | None) -> str:
    """Return one line of the table; a file that is not a row has no figures."""
    known = entry.identity if entry else None
    rate = f"{entry.throughput_tps:,.1f}" if entry and entry.throughput_tps is not None else ""
    figures = ("", "", "") if known is None else (known.model, known.workload, known.chip_model)
    return f"| {' | '.join(map(inert_markdown, (mark, name, *figures)))} | {rate} | {inert_markdown(fate)} |"


def rebuilt_json(done: Rebuilt) -> Document:
    """Return a rebuild as data, without the files themselves."""
    return {
        "commit": done.commit,
        "submissions": done.submissions,
        "recorded": done.recorded,
        "files": sorted(done.files),
        "differences": list(done.differences),
        "notes": list(done.notes),
    }


def _closing(done: Published, *, sent: bool) -> Iterator[str]:
    if not sent:
        yield "nothing was sent"
    elif done.written:
        yield f"written and read back: {done.address}"
    else:
        yield f"nothing to write: {done.address}"


def _line(outcome: Outcome, standing: Standing) -> str:
    """Return a line about one row: its fate, its figures, and the row that decided it, or who withdrew it and why."""
    identity = outcome.entry.identity
    words = (identity.engine, identity.model, identity.workload, identity.chip_model, outcome.entry.entry_id)
    taken_back = standing.withdrawals(outcome.entry)
    why = f"  ({taken_back[0].by}: {taken_back[0].reason})" if taken_back else ""
    fate = t(outcome.fate.value)
    room = " " * (9 - wide(fate))
    return plain(f"{fate}{room}{'  '.join(words)}{_other(outcome)}{why}")
