"""What the commands `run` and `report` show: progress, then the figures and the next command to type."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from sagellm_benchmark.client.terms import Progress
from sagellm_benchmark.echo import echo
from sagellm_benchmark.errors import Exit
from sagellm_benchmark.json_echo import echo_json
from sagellm_benchmark.report import goodput, sweep, terminal
from sagellm_benchmark.report.folder import PAGE, Finished
from sagellm_benchmark.report.progress import ProgressLine
from sagellm_benchmark.report.view import figure, shown, view
from sagellm_benchmark.runs.codec import summary_json
from sagellm_benchmark.runs.record import Record
from sagellm_benchmark.runs.search import Outcome, judged
from sagellm_benchmark.typed import typed
from sagellm_benchmark.verdict.metrics import SLO_ATTAINMENT, THROUGHPUT, TTFT
from sagellm_benchmark.words import retold, retold_lines, t

_OUTCOMES = {
    Outcome.KEPT: ("✓", "green", "kept"),
    Outcome.MISSED: ("✗", "red", "missed"),
    Outcome.LIMITED: ("–", "yellow", "not judged"),
}


class Screen:
    """The terminal as a run's listener. With JSON, standard output has nothing else; if quiet, it shows only errors."""

    def __init__(self, *, as_json: bool, quiet: bool = False, searching: bool = False) -> None:
        self.as_json = as_json
        self.output = sys.stdout  # JSON goes there, even if standard output is redirected meanwhile
        self.silent = as_json or quiet  # no text on standard output
        self.quiet = quiet
        self.searching = searching  # whether the highest rate that keeps the objectives is searched for
        self.line = ProgressLine(quiet=quiet)
        self.steps = 0

    def __enter__(self) -> Screen:
        self.line.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self.line.__exit__(*exc)

    def say(self, text: str) -> None:
        """Show the step that begins; a terminal shows it until the next one."""
        self.line.say(retold(text))

    def note(self, text: str) -> None:
        """Show something that the user must know, on standard error even if that is not a terminal."""
        self.line.say("")
        if not self.quiet:
            echo(retold_lines(text), err=True)

    def progress(self, label: str, progress: Progress) -> None:
        """Show the progress of a load."""
        self.line.load(label, progress)

    def show(self, one: Finished) -> None:
        """Show one finished run at once, because the next one may take long; for a search, one line per step."""
        self.line.say("")
        self.steps += 1
        if self.silent:
            return
        if self.searching:
            echo(_step(self.steps, one.record))
            return
        echo(terminal.render_terminal(view(one.record)) + "\n")
        echo(f"  {t('report')}  {one.folder / PAGE}")
        echo()

    def close(self, finished: Sequence[Finished], curves: Path | None) -> None:
        """Show what several runs say together, the path of their curves, and the next command to type."""
        if not finished:
            return
        if self.as_json:
            echo_json(self._document(finished), self.output)
        elif not self.silent:
            for line in self._closing(finished, curves):
                echo(line)

    def _closing(self, finished: Sequence[Finished], curves: Path | None) -> Iterator[str]:
        best = _the_found(finished) if self.searching else None
        if best is not None:
            yield "\n" + terminal.render_terminal(view(best.record)) + "\n"
            yield f"  {t('report')}  {best.folder / PAGE}"
        elif curves is not None and not self.searching:
            yield sweep.render_sweep([one.record for one in finished]) + "\n"
        if curves is not None:
            yield f"  {t('curves')}  {curves}"
        if self.searching:
            yield f"  {t('goodput')} {retold(goodput.sentence([one.record for one in finished]))}"
        yield f"  {t('next')}    {_next(finished if best is None else [best])}"

    def _document(self, finished: Sequence[Finished]) -> Any:
        """Return the runs as data; for a search, also the rate that it found."""
        runs = [
            {"folder": str(one.folder), "summary": summary_json(one.record.summary), "row": one.row}
            for one in finished
        ]
        return {**goodput.as_data([one.record for one in finished]), "runs": runs} if self.searching else runs

    def page(self, finished: Sequence[Finished]) -> Path:
        """Return the page to open: of the run at the rate that was found, or else of the last run."""
        return ((_the_found(finished) if self.searching else None) or finished[-1]).folder / PAGE

    def exit_code(self, finished: Sequence[Finished]) -> int:
        """Return INTERRUPTED if a run was, else INVALID_RUN if one is invalid; of a search, only its result counts."""
        summaries = [one.record.summary for one in finished]
        if any(summary.status == "interrupted" for summary in summaries):
            return Exit.INTERRUPTED
        best = goodput.of([one.record for one in finished]).rate_rps if self.searching else None
        counting = [summary for summary in summaries if best is None or summary.asked_rate_rps == best]
        return Exit.DONE if all(summary.valid for summary in counting) else Exit.INVALID_RUN


def _the_found(finished: Sequence[Finished]) -> Finished | None:
    """Return the run at the rate that a search found; None if it found none."""
    best = goodput.of([one.record for one in finished]).rate_rps
    return next((one for one in finished if best and one.record.summary.asked_rate_rps == best), None)


def _step(number: int, record: Record) -> str:
    """Return a step of a search in one line: the rate, whether the objectives were kept, and the figures."""
    summary = record.summary
    mark, colour, word = _OUTCOMES[judged(summary).outcome]
    kept = click.style(f"{mark} {t(word)}", fg=colour)
    facts = (
        f"{goodput.four_digits(summary.asked_rate_rps or 0)} requests/s",
        t("{share} in time", share=shown(SLO_ATTAINMENT, summary.value(SLO_ATTAINMENT))),
        f"{figure(summary.value(THROUGHPUT))} tokens/s",
        f"TTFT p90 {figure(summary.latency(TTFT).p90, 'ms')}",
        view(record).verdict,
    )
    return f"  {t('step')} {number:>2}  {kept}  {', '.join(facts)}"


def as_text(records: Sequence[Record]) -> str:
    """Return finished runs as they were shown when they ended."""
    return "\n\n".join(terminal.render_terminal(view(record)) for record in records)


def as_data(records: Sequence[Record]) -> list[Any]:
    """Return the runs' summaries as data."""
    return [summary_json(record.summary) for record in records]


def _next(finished: Sequence[Finished]) -> str:
    """Return what to do next: submit the runs if that is allowed, or else read why it is not."""
    if any(one.row is not None and "unpublishable" not in one.row for one in finished):
        return typed("aggregate")
    if all(one.record.summary.valid for one in finished):
        return t("read {page}, which says why it cannot be published", page=finished[-1].folder / PAGE)
    return t("fix what ✗ names, then measure again")
