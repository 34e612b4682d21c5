"""The command that measures many runs, and the one that keeps an engine running for them."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from sagellm_benchmark.commands.output import Output, shows
from sagellm_benchmark.commands.shared import FOLDER, command, needing_ray
from sagellm_benchmark.errors import DataError, Exit, UsageError
from sagellm_benchmark.options.declare import parse, takes
from sagellm_benchmark.options.run import BASE_URL_VARIABLE, BUSY_VARIABLE, SUBMITTER_VARIABLE, RunOptions

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from sagellm_benchmark.matrix.execute import Place
    from sagellm_benchmark.matrix.ledger import Ledger, Result
    from sagellm_benchmark.matrix.plan import Cell
    from sagellm_benchmark.runs.spec import RunSpec


@command()
@shows
@click.argument("plan", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--outputs", type=FOLDER, help="The folder of its cells.  [default: outputs/matrix/NAME]")
@click.option("--resume", is_flag=True, help="Continue an interrupted plan, as every start does.")
@click.option("--dry-run", is_flag=True, help="Check the plan and list its cells, but measure nothing.")
@click.option(
    "--on", metavar="ray://auto", help="Measure on the nodes of a Ray cluster, several cells at a time."
)
@click.option("--status", is_flag=True, help="Show what is measured and what is not yet; measure nothing.")
def matrix(
    plan: Path,
    outputs: Path | None,
    *,
    resume: bool,
    dry_run: bool,
    status: bool,
    on: str | None,
    out: Output,
) -> int:
    """Measure every engine, model, workload and load of PLAN, each exactly once.

    If it is interrupted, start it again and it continues. If you change the plan, it measures what is new.
    """
    from sagellm_benchmark.files import write_whole
    from sagellm_benchmark.matrix import plan as planning
    from sagellm_benchmark.matrix.ledger import Ledger
    from sagellm_benchmark.matrix.versions import version_of
    from sagellm_benchmark.outputs import path_part
    from sagellm_benchmark.report import matrix as shown

    if resume and (dry_run or status):
        raise UsageError(
            "--resume measures, but --dry-run and --status only look", hint="give only one of them"
        )
    asked = planning.read(plan)
    cells = planning.cells(asked, version_of)
    specs = {cell.id: _checked(cell.label, cell.words) for cell in cells}
    ledger = Ledger(outputs or Path("outputs", "matrix", path_part(asked.name)))
    if dry_run or status:
        states = [ledger.done(cell) or ledger.failed(cell) for cell in cells]
        known = [state for state in states if state is not None]
        out.show(lambda: shown.render_cells(cells, states), lambda: shown.as_data(known))
        return Exit.DONE
    results = _measured(cells, specs, ledger, on, out)
    write_whole(ledger.root / "REPORT.md", shown.render_page(asked.name, results).encode())
    out.show(lambda: shown.render_results(results), lambda: shown.as_data(results))
    if any(result.failure is not None for result in results):
        return Exit.DATA
    return Exit.DONE if all(result.valid for result in results) else Exit.INVALID_RUN


def _measured(
    cells: Sequence[Cell], specs: Mapping[str, RunSpec], ledger: Ledger, on: str | None, out: Output
) -> Sequence[Result]:
    """Measure the cells that the ledger lacks, with a line of progress; return the results of all cells."""
    from sagellm_benchmark.matrix import execute
    from sagellm_benchmark.matrix.tasks import tasks
    from sagellm_benchmark.report.matrix import render_step
    from sagellm_benchmark.report.progress import ProgressLine

    todo = tasks(cells, lambda cell: specs[cell.id].start is not None)
    with ProgressLine(quiet=out.quiet) as line, _place(on, out.wait, specs) as place:
        return execute.measure_all(todo, ledger, lambda step: line.say(render_step(step)), place)


def _place(
    on: str | None, say: Callable[[str], None], specs: Mapping[str, RunSpec]
) -> AbstractContextManager[Place]:
    """Return where to measure: on this machine, or on the nodes of a Ray cluster. `specs` are the cells' runs by id."""
    from sagellm_benchmark.matrix.execute import here

    if on is None:
        return nullcontext(here)
    with needing_ray():
        from sagellm_benchmark.matrix.on_ray import joined
    named = (BASE_URL_VARIABLE, BUSY_VARIABLE, SUBMITTER_VARIABLE)  # their values here hold on every node
    environ = {name: os.environ[name] for name in named if name in os.environ}
    opened: AbstractContextManager[Place] = joined(
        on, say, environ, lambda cell: _host(specs[cell.id].base_url)
    )
    return opened


def _host(url: str | None) -> str | None:
    """Return the host in a server's address; None if there is no address."""
    return None if url is None else urlsplit(url).hostname or url


def _checked(label: str, words: tuple[str, ...]) -> RunSpec:
    """Return a cell's run. Raise UsageError or DataError for what is wrong with it, before any cell is measured."""
    from sagellm_benchmark.options.spec import run_spec

    try:
        spec = run_spec(parse(RunOptions, words), words, os.environ)
    except (UsageError, DataError) as error:
        hint = f"{error.hint}; in a plan, options are written without --" if error.hint else None
        raise type(error)(f"{label}:\n       {error.message}", hint=hint) from error
    if len(spec.workloads) * len(spec.shapes) > 1 or spec.search_goodput:
        raise UsageError(
            f"{label} asks for several measurements", hint="give each workload and load a table of its own"
        )
    return spec


@command(hidden=True)
@takes(RunOptions)
def serve(options: RunOptions) -> None:
    """Start the engine of a run and print its address, until Ctrl-C; `matrix` uses this for several runs."""
    from sagellm_benchmark.library import Silent
    from sagellm_benchmark.options.spec import run_spec
    from sagellm_benchmark.runs import targets

    spec = run_spec(options, sys.argv[1:], os.environ)
    with targets.held(spec, spec.output_dir / targets.SERVER_LOG, Silent()) as served:
        sys.stdout.buffer.write(served.told() + b"\n")
        sys.stdout.buffer.flush()
        threading.Event().wait()
