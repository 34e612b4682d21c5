"""What the `run` and `report` commands show: progress while it lasts, then the figures and what to type next."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from sagellm_benchmark.client.terms import Progress
from sagellm_benchmark.errors import Exit
from sagellm_benchmark.files import to_json
from sagellm_benchmark.report import goodput, sweep, terminal
from sagellm_benchmark.report.folder import REPORT, Finished
from sagellm_benchmark.report.progress import ProgressLine
from sagellm_benchmark.report.view import view
from sagellm_benchmark.runs.codec import summary_json
from sagellm_benchmark.runs.record import Record


class Screen:
    """The terminal as a run's listener. In a pipe it says only results; with JSON, only the JSON."""

    def __init__(self, *, as_json: bool, searching: bool = False) -> None:
        self.as_json = as_json
        self.searching = searching  # for the highest rate that keeps the objectives
        self.line = ProgressLine()

    def __enter__(self) -> Screen:
        self.line.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self.line.__exit__(*exc)

    def say(self, text: str) -> None:
        """A step that begins; a terminal shows it until the next one."""
        self.line.say(text)

    def note(self, text: str) -> None:
        """Something the user must know, on standard error whatever it is connected to."""
        self.line.say("")
        click.echo(text, err=True)

    def progress(self, label: str, progress: Progress) -> None:
        """How far a load is."""
        self.line.load(label, progress)

    def show(self, one: Finished) -> None:
        """One finished run, at once: the next one may take long."""
        self.line.say("")
        if not self.as_json:
            click.echo(terminal.render_terminal(view(one.record)) + "\n")
            click.echo(f"  report  {one.folder / REPORT}")
            click.echo()

    def close(self, finished: Sequence[Finished], curves: Path | None) -> None:
        """What several runs say together, where their page of curves is, and the next command to type."""
        if not finished:
            return
        if self.as_json:
            click.echo(to_json(self._document(finished)).decode(), nl=False)
            return
        if curves is not None:
            click.echo(sweep.render_sweep([one.record for one in finished]) + "\n")
            click.echo(f"  curves  {curves}")
        if self.searching:
            click.echo(f"  goodput {goodput.sentence([one.record for one in finished])}")
        publishable = any(one.row is not None and "unpublishable" not in one.row for one in finished)
        click.echo(f"  next    {_command('aggregate' if publishable else 'report')}")

    def _document(self, finished: Sequence[Finished]) -> Any:
        """A list of runs; for a search, the rate that it found as well."""
        runs = [
            {"folder": str(one.folder), "summary": summary_json(one.record.summary), "row": one.row}
            for one in finished
        ]
        return {**goodput.as_data([one.record for one in finished]), "runs": runs} if self.searching else runs

    def exit_code(self, finished: Sequence[Finished]) -> int:
        """Interrupted before invalid before done; of a search, only the run that it found counts."""
        summaries = [one.record.summary for one in finished]
        if any(summary.status == "interrupted" for summary in summaries):
            return Exit.INTERRUPTED
        best = goodput.of([one.record for one in finished]).rate_rps if self.searching else None
        counting = [summary for summary in summaries if best is None or summary.asked_rate_rps == best]
        return Exit.DONE if all(summary.valid for summary in counting) else Exit.INVALID_RUN


def as_text(records: Sequence[Record]) -> str:
    """Finished runs again, as they were shown."""
    return "\n\n".join(terminal.render_terminal(view(record)) for record in records)


def as_json(records: Sequence[Record]) -> str:
    """Their summaries."""
    return to_json([summary_json(record.summary) for record in records]).decode().rstrip()


def _command(name: str) -> str:
    """As the user would type it: through make in a checkout, else directly."""
    in_checkout = Path("Makefile").is_file() and Path("noxfile.py").is_file()
    return f"make {name}" if in_checkout else f"sagellm-benchmark {name}"
