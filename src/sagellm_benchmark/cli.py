"""The click commands. Each is four steps: parse, one core call, render, exit code.

Heavy modules are imported inside the commands, so that `--help` answers at once.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sagellm_benchmark._version import __version__
from sagellm_benchmark.echo import echo
from sagellm_benchmark.errors import BenchmarkError, DataError, Exit, UsageError
from sagellm_benchmark.options.declare import HeadedCommand, parse, takes
from sagellm_benchmark.options.help import ToldCommand, show_misuse
from sagellm_benchmark.options.output import Output, confirm, shows, speak
from sagellm_benchmark.options.run import RunOptions
from sagellm_benchmark.text import plain
from sagellm_benchmark.words import LANGUAGES, asked, choose, of_locale, retold_lines, t

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from sagellm_benchmark.board.aggregate import Report
    from sagellm_benchmark.hub.store import Store
    from sagellm_benchmark.matrix.execute import Place
    from sagellm_benchmark.report.pictures import Format
    from sagellm_benchmark.report.screen import Screen
    from sagellm_benchmark.runs.context import Sender
    from sagellm_benchmark.runs.spec import RunSpec

DATASET = "intellistream/sagellm-benchmark-results"
FOLDER = click.Path(path_type=Path, file_okay=False)


class Program(ToldCommand, click.Group):
    """Turns what went wrong into a message and an exit code, in the one place that does."""

    command_class = ToldCommand

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run as click does, but say errors the way people read them; never a traceback for a user's mistake."""
        kwargs["standalone_mode"] = False
        choose(asked(sys.argv[1:]) or of_locale(os.environ))
        if os.environ.get("NO_COLOR"):  # https://no-color.org
            kwargs["color"] = False
        try:
            code = super().main(*args, **kwargs)
        except BenchmarkError as error:
            fail(error)
        except click.ClickException as error:
            show_misuse(error)
            sys.exit(Exit.USAGE)
        except (click.Abort, KeyboardInterrupt):
            echo(f"\n{t('Interrupted.')}", err=True)
            sys.exit(Exit.INTERRUPTED)
        except BrokenPipeError:
            sys.stderr.close()  # whoever read our output has gone; there is nobody to tell
            sys.exit(Exit.DONE)
        sys.exit(code if isinstance(code, int) else Exit.DONE)


def fail(error: BenchmarkError) -> None:
    """Print what happened and what to do next, and leave with the error's exit code."""
    echo(retold_lines(error.message), err=True, mark=t("error: "), colour="red")
    if error.hint:
        echo(retold_lines(error.hint), err=True, mark=t("next:  "), colour="yellow")
    sys.exit(error.exit_code)


def waiting(text: str) -> None:
    """Say why nothing happens for a while, in a terminal and in a pipe alike."""
    echo(retold_lines(text), err=True, mark=t("wait:  "), colour="yellow")


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--lang", type=click.Choice(LANGUAGES), expose_value=False, help="The language; else the locale's."
)
@click.version_option(__version__, package_name="isagellm-benchmark", prog_name="sagellm-benchmark")
def main() -> None:
    """Measure how fast an LLM serving engine answers, and publish the number.

    \b
    sagellm-benchmark run                        a small real model, nothing to configure
    sagellm-benchmark run --base-url URL         an engine that is already serving
    sagellm-benchmark aggregate                  outputs/ → hf_data/
    sagellm-benchmark publish                    hf_data/ → the shared leaderboard
    """


@main.command(cls=HeadedCommand)
@takes(RunOptions)
def run(options: RunOptions) -> int:
    """Measure a model and write its report and leaderboard row.

    \b
    sagellm-benchmark run                                 SmolLM2-135M, real weights
    sagellm-benchmark run --model Qwen2-7B                the Hub's weights, else dummy ones
    sagellm-benchmark run --base-url http://host:8000     whatever is served there
    sagellm-benchmark run --workload Q1,Q5 --repeats 3    two workloads, three times each
    sagellm-benchmark run --concurrency 1,2,4,8           a sweep: one row a load
    sagellm-benchmark run --workload custom --input-tokens 512 --output-tokens 128 --rate 4    an open loop
    sagellm-benchmark run --base-url URL --versus URL     two servers in turn: faster, slower, or cannot tell
    """
    from sagellm_benchmark import library
    from sagellm_benchmark.options.rules import is_versus
    from sagellm_benchmark.options.spec import run_spec
    from sagellm_benchmark.report import folder, opening
    from sagellm_benchmark.report.screen import Screen

    speak(options.lang)
    if is_versus(options):
        return _in_turn(options)
    spec = run_spec(options, sys.argv[1:], os.environ)
    screen = Screen(as_json=options.as_json, quiet=options.quiet, searching=spec.search_goodput)
    finished: list[folder.Finished] = []
    try:
        with screen, _sender(spec, screen) as sender:
            for one in library.measure(spec, screen, sender):
                finished.append(one)
                screen.show(one)
    finally:
        screen.close(finished, folder.write_curves(finished))  # also when a later run fails
    if options.opened or not screen.silent:
        opening.offer(screen.page(finished), options.opened)
    return screen.exit_code(finished)


def _in_turn(options: RunOptions) -> int:
    """Measure two servers in turn, and say whether the second is faster."""
    from sagellm_benchmark.options.versus import versus_specs
    from sagellm_benchmark.report import comparison as shown
    from sagellm_benchmark.report import folder
    from sagellm_benchmark.report.job_summary import add_to_job_summary
    from sagellm_benchmark.report.screen import Screen
    from sagellm_benchmark.runs import comparison as core
    from sagellm_benchmark.runs import versus

    asked = [core.limit(text) for text in options.fail_if]
    specs = versus_specs(options, sys.argv[1:], os.environ)
    with Screen(as_json=options.as_json, quiet=options.quiet) as screen:
        a, b = (folder.save(one.folder, one.record) for one in versus.in_turn(*specs, screen))
    found = shown.of_rounds(a, b)
    broken = [one for one in asked if one.broken(found)]
    path = shown.write_comparison(b.folder, found, broken)
    add_to_job_summary(path.read_text(encoding="utf-8"), os.environ)
    Output(as_json=options.as_json, quiet=options.quiet).show(
        lambda: f"{shown.render_comparison(found, broken)}\n\n  {t('kept')}    {path}",
        lambda: shown.comparison_json(found, broken),
    )
    if any(one.record.summary.status == "interrupted" for one in (a, b)):
        return Exit.INTERRUPTED
    return Exit.INVALID_RUN if broken or found.a.against or found.b.against else Exit.DONE


def _sender(spec: RunSpec, screen: Screen) -> AbstractContextManager[Sender]:
    """This machine, or the nodes of a cluster, which are Ray's: only whoever asks for it needs it installed."""
    from sagellm_benchmark.runs.context import HERE

    if spec.on is None:
        return nullcontext(HERE)
    try:
        from sagellm_benchmark.cluster.ray_nodes import connect
    except ImportError as error:
        raise UsageError(
            "--on needs Ray, which is not installed", hint="pip install 'isagellm-benchmark[cluster]'"
        ) from error
    said_to = sys.stderr if screen.silent else None  # JSON must stay alone on standard output
    opened: AbstractContextManager[Sender] = connect(
        spec.on, spec.client_nodes, spec.processes, screen.note, said_to
    )
    return opened


@main.command()
@shows
@click.argument("plan", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--outputs", type=FOLDER, help="Where its cells lie.  [default: outputs/matrix/NAME]")
@click.option("--resume", is_flag=True, help="Go on where it was stopped, which every start does.")
@click.option("--dry-run", is_flag=True, help="Check the plan and list its cells; measure nothing.")
@click.option(
    "--on", metavar="ray://auto", help="Measure on the nodes of a Ray cluster, several cells at a time."
)
@click.option("--status", is_flag=True, help="Say what is measured and what is not; measure nothing.")
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

    Starting it again goes on where it was stopped, whatever stopped it, and measures what is new in a changed plan.
    """
    from sagellm_benchmark.files import write_whole
    from sagellm_benchmark.matrix import execute
    from sagellm_benchmark.matrix import plan as planning
    from sagellm_benchmark.matrix.ledger import Ledger
    from sagellm_benchmark.matrix.tasks import tasks
    from sagellm_benchmark.matrix.versions import version_of
    from sagellm_benchmark.outputs import path_part
    from sagellm_benchmark.report import matrix as shown
    from sagellm_benchmark.report.progress import ProgressLine

    if resume and (dry_run or status):
        raise UsageError("--resume measures, the other only looks", hint="give one of them")
    asked = planning.read(plan)
    cells = planning.cells(asked, version_of)
    starts = {cell.id: _starts_engine(cell.label, cell.words) for cell in cells}
    ledger = Ledger(outputs or Path("outputs", "matrix", path_part(asked.name)))
    if dry_run or status:
        states = [ledger.done(cell) or ledger.failed(cell) for cell in cells]
        known = [state for state in states if state is not None]
        out.show(lambda: shown.render_cells(cells, states), lambda: shown.as_data(known))
        return Exit.DONE
    todo = tasks(cells, lambda cell: starts[cell.id])
    with ProgressLine(quiet=out.quiet) as line, _place(on, waiting) as place:
        results = execute.measure_all(todo, ledger, lambda step: line.say(shown.render_step(step)), place)
    write_whole(ledger.root / "REPORT.md", shown.render_page(asked.name, results).encode())
    out.show(lambda: shown.render_results(results), lambda: shown.as_data(results))
    if any(result.failure is not None for result in results):
        return Exit.DATA
    return Exit.DONE if all(result.valid for result in results) else Exit.INVALID_RUN


def _place(on: str | None, say: Callable[[str], None]) -> AbstractContextManager[Place]:
    """This machine, or the nodes of a Ray cluster."""
    from sagellm_benchmark.matrix.execute import here

    if on is None:
        return nullcontext(here)
    try:
        from sagellm_benchmark.matrix.on_ray import joined
    except ImportError as error:
        raise UsageError(
            "--on needs Ray, which is not installed", hint="pip install 'isagellm-benchmark[cluster]'"
        ) from error
    opened: AbstractContextManager[Place] = joined(on, say)
    return opened


def _starts_engine(label: str, words: tuple[str, ...]) -> bool:
    """Tell whether a cell starts an engine; find what is wrong with it before the first one is measured."""
    from sagellm_benchmark.options.spec import run_spec

    try:
        spec = run_spec(parse(RunOptions, words), words, os.environ)
    except click.ClickException as error:
        raise UsageError(f"{label}: {error.format_message()}", hint="mend the plan") from error
    except (UsageError, DataError) as error:
        raise type(error)(f"{label}: {error.message}", hint=error.hint) from error
    if len(spec.workloads) * len(spec.shapes) > 1 or spec.search_goodput:
        raise UsageError(
            f"{label} asks for several measurements", hint="give each workload and load a table of its own"
        )
    return spec.start is not None


@main.command(hidden=True)
@takes(RunOptions)
def serve(options: RunOptions) -> None:
    """Start the engine of a run and say where it is, until Ctrl-C: a matrix does it for several runs."""
    from sagellm_benchmark.library import Silent
    from sagellm_benchmark.options.spec import run_spec
    from sagellm_benchmark.runs import targets

    spec = run_spec(options, sys.argv[1:], os.environ)
    with targets.held(spec, spec.output_dir / targets.SERVER_LOG, Silent()) as served:
        sys.stdout.buffer.write(served.told() + b"\n")
        sys.stdout.buffer.flush()
        threading.Event().wait()


@main.command()
@shows
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--csv",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write the run's requests as a CSV file.",
)
@click.option(
    "--parquet",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The same as a Parquet file; needs the extra `parquet`.",
)
@click.option(
    "--plot",
    type=click.Choice(["svg", "png"]),
    help="Also write the pictures, into plots/ of each run; png needs the extra `plot`.",
)
def report(
    folders: tuple[Path, ...], *, csv: Path | None, parquet: Path | None, plot: Format | None, out: Output
) -> None:
    """Show finished runs again: those in FOLDERS, else the newest one under outputs/."""
    from sagellm_benchmark import library
    from sagellm_benchmark.report import screen, table

    runs = [library.load(path) for path in folders] or [library.load()]
    if (csv or parquet) and len(runs) > 1:
        raise UsageError("a table holds the requests of one run", hint="name one folder")
    if csv is not None:
        table.write_csv(runs[0].requests, csv)
    if parquet is not None:
        table.write_parquet(runs[0].requests, parquet)
    if plot is not None:
        from sagellm_benchmark.report.pictures import write_pictures

        for path in write_pictures(runs, plot):
            if not out.quiet:
                echo(str(path), err=True, mark=t("wrote: "))
    records = [run.record for run in runs]
    out.show(lambda: screen.as_text(records), lambda: screen.as_data(records))


@main.command()
@shows
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--fail-if",
    "limits",
    multiple=True,
    metavar="LIMIT",
    help="Exit 6 on a regression such as 'ttft.p99>+5%'.",
)
@click.option(
    "--detect",
    type=click.FloatRange(0.1, 100),
    default=5.0,
    show_default=True,
    help="The difference, in %, to be found.",
)
@click.option("--force", is_flag=True, help="Compare unlike runs, and runs that are not valid, too.")
def compare(
    runs: tuple[Path, ...], limits: tuple[str, ...], detect: float, *, force: bool, out: Output
) -> int:
    """Say whether each run is faster or slower than the first, or what it would take to tell.

    RUNS are two or more folders of finished runs, files with a row, or results of guidellm (benchmarks.json, FILE:2 for
    its second) and aiperf (profile_export.jsonl), whose requests our checks judge, too.

    \b
    sagellm-benchmark compare outputs/vllm/Qwen2-7B/Q1_20260309_001 outputs/vllm/Qwen2-7B/Q1_20260310_001
    sagellm-benchmark compare BEFORE AFTER --fail-if 'ttft.p99>+5%' --fail-if 'throughput<-3%'
    """
    from sagellm_benchmark import library
    from sagellm_benchmark.report import comparison as shown
    from sagellm_benchmark.report.job_summary import add_to_job_summary
    from sagellm_benchmark.runs import comparison as core

    asked = [core.limit(text) for text in limits]
    found = library.compare(*runs, force=force, detect=detect / 100)
    broken = [[one for one in asked if one.broken(each)] for each in found]
    pairs = list(zip(found, broken, strict=True))
    add_to_job_summary("".join(shown.comparison_markdown(*pair) for pair in pairs), os.environ)
    out.show(
        lambda: "\n\n".join(shown.render_comparison(*pair) for pair in pairs),
        lambda: [shown.comparison_json(*pair) for pair in pairs],
    )
    return Exit.INVALID_RUN if any(broken) else Exit.DONE


@main.command(context_settings={"ignore_unknown_options": True})
@shows
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[OPTIONS OF run]...")
@click.option(
    "--baseline", type=FOLDER, default="baseline", show_default=True, help="Where the recorded run lies."
)
@click.option("--record", is_flag=True, help="Make this run the baseline, if it is valid.")
@click.option(
    "--fail-if",
    "limits",
    multiple=True,
    metavar="LIMIT",
    help="A change that fails, such as 'ttft.p99>+5%'.  [default: throughput<-5%, ttft>+10%, itl>+5%]",
)
@click.option("--force", is_flag=True, help="Hold another load, or other hardware, to the baseline, too.")
def regress(
    words: tuple[str, ...], baseline: Path, limits: tuple[str, ...], *, record: bool, force: bool, out: Output
) -> int:
    """Measure, and exit 6 where it is worse than the recorded baseline by more than noise explains.

    \b
    sagellm-benchmark regress --record --base-url http://127.0.0.1:8000    on the branch that is good
    sagellm-benchmark regress --base-url http://127.0.0.1:8000             after each change
    """
    from sagellm_benchmark.options.regress import regress_spec
    from sagellm_benchmark.report import baseline as shown
    from sagellm_benchmark.report import comparison
    from sagellm_benchmark.report import folder as folders
    from sagellm_benchmark.report.job_summary import add_to_job_summary
    from sagellm_benchmark.report.screen import Screen
    from sagellm_benchmark.runs import comparison as core
    from sagellm_benchmark.runs import pipeline

    asked = [core.limit(text) for text in limits or shown.LIMITS]
    before = None if record else shown.opened(baseline)
    spec = regress_spec(words, os.environ)
    with Screen(as_json=out.as_json, quiet=out.quiet) as screen:
        (done,) = [folders.save(one.folder, one.record) for one in pipeline.run(spec, screen)]
        screen.show(done)
    if before is None or not done.record.summary.valid:
        kept = shown.record(done.folder, baseline) if record and done.record.summary.valid else None
        out.show(
            lambda: f"  {t('recorded')} {kept}" if kept else f"  {t('nothing was recorded')}",
            lambda: {"recorded": None if kept is None else str(kept), "folder": str(done.folder)},
        )
        return Exit.DONE if done.record.summary.valid else Exit.INVALID_RUN
    found = core.compared(before, comparison.open_side(done.folder), force=force)
    broken = [one for one in asked if one.broken(found)]
    path = comparison.write_comparison(done.folder, found, broken)
    add_to_job_summary(path.read_text(encoding="utf-8"), os.environ)
    out.show(
        lambda: comparison.render_comparison(found, broken), lambda: comparison.comparison_json(found, broken)
    )
    return Exit.INVALID_RUN if broken else Exit.DONE


@main.command()
@shows
@click.option(
    "--outputs", "found_in", type=FOLDER, default="outputs", show_default=True, help="Where the runs are."
)
@click.option(
    "--hf-data", type=FOLDER, default="hf_data", show_default=True, help="Where the boards are written."
)
@click.option("--offline", is_flag=True, help="Fetch nothing; safe, as publishing merges again.")
@click.option("--repo", default=DATASET, show_default=True, help="The dataset.")
def aggregate(found_in: Path, hf_data: Path, repo: str, *, offline: bool, out: Output) -> int:
    """Merge every finished run's row with the published board into hf_data/."""
    from sagellm_benchmark.report import board

    done = _aggregated(found_in, hf_data, repo, offline=offline)
    out.show(lambda: board.aggregate_text(done), lambda: board.aggregate_json(done))
    return Exit.DATA if done.damaged else Exit.DONE


def _aggregated(found_in: Path, hf_data: Path, repo: str, *, offline: bool) -> Report:
    """Aggregate, with each row's evidence, and see to it that git can join what comes of it."""
    from sagellm_benchmark.board import aggregate as core
    from sagellm_benchmark.evidence.carry import carry
    from sagellm_benchmark.hub import merging
    from sagellm_benchmark.hub.fetch import published_boards

    done = core.aggregate(found_in, hf_data, None if offline else published_boards(repo, say=waiting))
    for left in carry(done).left:
        echo(left, err=True, mark=t("note:  "), colour="yellow")
    merging.install(hf_data)
    return done


@main.command()
@shows
@click.option(
    "--outputs", "found_in", type=FOLDER, default="outputs", show_default=True, help="Where the runs are."
)
@click.option("--hf-data", type=FOLDER, default="hf_data", show_default=True, help="Where the boards lie.")
@click.option("--offline", is_flag=True, help="Fetch nothing of the dataset; publishing merges again.")
@click.option("--repo", default=DATASET, show_default=True, help="The dataset.")
def submit(found_in: Path, hf_data: Path, repo: str, *, offline: bool, out: Output) -> int:
    """Aggregate, commit hf_data/ and push it; whoever else pushes meanwhile, all rows arrive."""
    from sagellm_benchmark.hub import submit as pushing
    from sagellm_benchmark.hub.retry import Pace
    from sagellm_benchmark.report import board, publishing

    report = _aggregated(found_in, hf_data, repo, offline=offline)
    if not (out.as_json or out.quiet):
        echo(board.aggregate_text(report, then_submit=True))  # before the push, which may take its time
    done = pushing.submit(hf_data, pace=Pace(say=waiting))
    out.show(
        lambda: publishing.submitted_text(done),
        lambda: {"aggregated": board.aggregate_json(report), "submitted": asdict(done)},
    )
    return Exit.DATA if report.damaged else Exit.DONE


@main.command("merge-driver", hidden=True)
@click.argument("versions", nargs=3, type=click.Path(path_type=Path, dir_okay=False))
def merge_driver(versions: tuple[Path, Path, Path]) -> None:
    """Join two versions of a file in hf_data/ for git, which names their common ancestor, ours and theirs."""
    from sagellm_benchmark.hub import merging

    _, ours, theirs = versions
    merging.merge(ours, theirs)


def _shared_folder(context: click.Context, option: click.Parameter, value: str | None) -> Path | None:
    """An empty name is a variable that nobody set, and must not become this folder, or the dataset."""
    if value == "":
        raise click.BadParameter("the folder has no name")
    return None if value is None else Path(FOLDER.convert(value, option, context))


def of_store(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say where the shared board is."""
    for option in (
        click.option("--to", callback=_shared_folder, help="A shared folder instead of the dataset."),
        click.option("--repo", default=DATASET, show_default=True, help="The dataset."),
    ):
        command = option(command)
    return command


@main.command()
@shows
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--as-new", is_flag=True, help="Hold them to all that is asked of new rows, numbers included.")
@click.option(
    "--published",
    "as_published",
    is_flag=True,
    help="Judge hf_data/ as publishing will: what is not on the published board is held to the rules for new rows.",
)
@of_store
def validate(
    files: tuple[Path, ...], repo: str, to: Path | None, *, as_new: bool, as_published: bool, out: Output
) -> int:
    """Check leaderboard rows: those of FILES, else those in hf_data/."""
    from sagellm_benchmark.board import validate as core
    from sagellm_benchmark.board.folder import derived_files, row_files
    from sagellm_benchmark.report import board
    from sagellm_benchmark.report.job_summary import add_to_job_summary

    if as_published:
        if files or as_new:
            raise UsageError("--published judges hf_data/ as a whole", hint="leave out FILES and --as-new")
        return _judged(repo, to, out)
    here = Path("hf_data")
    done = core.validate(
        files or ([*row_files(here), *derived_files(here)] if here.is_dir() else ()), as_new=as_new
    )
    add_to_job_summary(board.validation_markdown(done), os.environ)
    out.show(lambda: board.validation_text(done), lambda: board.validation_json(done))
    return Exit.DONE if done.valid else Exit.DATA


def _judged(repo: str, to: Path | None, out: Output) -> int:
    """Say of hf_data/ what publishing would: what it adds, what it refuses. Nothing is written."""
    from sagellm_benchmark.board import validate as core
    from sagellm_benchmark.board.folder import derived_files
    from sagellm_benchmark.evidence.signing import identify
    from sagellm_benchmark.evidence.verify import prove
    from sagellm_benchmark.hub import publish
    from sagellm_benchmark.hub.bundles import bundles_in
    from sagellm_benchmark.hub.directory import open_store
    from sagellm_benchmark.report import publishing
    from sagellm_benchmark.report.job_summary import add_to_job_summary

    here = Path("hf_data")
    damaged = core.validate(derived_files(here), as_new=False).damaged if here.is_dir() else ()
    done = publish.publish(
        open_store(repo, to),
        publish.rows_in(here),
        bundles=bundles_in(here),
        prove=prove,
        identify=identify,
        skip_invalid=True,
        dry_run=True,
    )
    add_to_job_summary(publishing.published_markdown(done, sent=False, damaged=damaged), os.environ)
    out.show(
        lambda: publishing.published_text(done, sent=False),
        lambda: publishing.published_json(done, sent=False),
    )
    for message in damaged:
        echo(f"✗ {plain(message)}", err=True)
    return Exit.DATA if done.refused or damaged else Exit.DONE


@main.command()
@shows
@of_store
@click.option("--hf-data", type=FOLDER, default="hf_data", show_default=True, help="Where the rows are.")
@click.option("--dry-run", is_flag=True, help="Say what would become of each row, and write nothing.")
@click.option("--merge-only", is_flag=True, help="Write the merged boards into hf_data/, and send nothing.")
@click.option("--skip-invalid", is_flag=True, help="Leave out rows that may not be published, and list them.")
@click.option("--create", is_flag=True, help="Make the dataset if there is none; else it is asked for.")
@click.option("--site", is_flag=True, help="Put the board's page into the dataset, too: index.html.")
def publish(
    repo: str,
    to: Path | None,
    hf_data: Path,
    *,
    dry_run: bool,
    merge_only: bool,
    skip_invalid: bool,
    create: bool,
    site: bool,
    out: Output,
) -> None:
    """Merge the rows in hf_data/ into the shared leaderboard; nobody's row is lost, whoever else publishes."""
    from sagellm_benchmark.evidence.signing import identify
    from sagellm_benchmark.evidence.verify import prove
    from sagellm_benchmark.hub import publish as core
    from sagellm_benchmark.hub.bundles import bundles_in
    from sagellm_benchmark.hub.directory import never, open_store
    from sagellm_benchmark.hub.retry import Pace
    from sagellm_benchmark.report import publishing
    from sagellm_benchmark.report.job_summary import add_to_job_summary

    asked = confirm if sys.stdin.isatty() else never
    agree = (lambda _: True) if create else asked
    store = open_store(repo, to, create=agree)
    pace = Pace(say=waiting)
    if merge_only:
        done = core.merge(store, hf_data, skip_invalid=skip_invalid, pace=pace)
    else:
        done = core.publish(
            store,
            core.rows_in(hf_data),
            bundles=bundles_in(hf_data),
            prove=prove,
            identify=identify,
            skip_invalid=skip_invalid,
            dry_run=dry_run,
            pace=pace,
        )
    if site and not (dry_run or merge_only):
        _show_as_page(store)
    sent = not (dry_run or merge_only)
    add_to_job_summary(publishing.published_markdown(done, sent=sent), os.environ)
    out.show(
        lambda: publishing.published_text(done, sent=sent), lambda: publishing.published_json(done, sent=sent)
    )


def _show_as_page(store: Store) -> None:
    from sagellm_benchmark.hub.page import put_page
    from sagellm_benchmark.hub.retry import Pace
    from sagellm_benchmark.site.gather import from_store
    from sagellm_benchmark.site.page import page

    waiting("making the page of the board")
    put_page(store, lambda: page(from_store(store, beaten=False, say=waiting)), Pace(say=waiting))


@main.command()
@shows
@click.argument("row")
@click.option("--reason", required=True, help="Why, in one line; everybody can read it.")
@of_store
@click.option("--key", type=click.Path(path_type=Path, dir_okay=False), help="Sign by this Ed25519 key.")
@click.option("--site", is_flag=True, help="Make the dataset's page anew, too: index.html.")
def withdraw(
    row: str, reason: str, repo: str, to: Path | None, key: Path | None, *, site: bool, out: Output
) -> None:
    """Take an accepted row off the board for good, by a signed statement; what it beat comes back.

    ROW is a published row's id, its file, or its run's folder. It counts where whoever signed the row signs this, or a
    maintainer whom the dataset names. Without --key you are asked who you are, in a browser (Sigstore).

    \b
    sagellm-benchmark withdraw 0b4f7c52-… --reason 'the clock was unlocked' --key ~/.config/sagellm-benchmark.pem
    """
    from sagellm_benchmark.board.identity import UUID, submission_path
    from sagellm_benchmark.evidence import find, signing
    from sagellm_benchmark.hub import withdraw as core
    from sagellm_benchmark.hub.directory import open_store
    from sagellm_benchmark.hub.retry import Pace
    from sagellm_benchmark.report import publishing

    store = open_store(repo, to)
    name = row if UUID.fullmatch(row) else submission_path(find.claim(row, lambda: store).row)
    done = core.withdraw(
        store,
        name,
        reason,
        sign=lambda said: signing.sign_statement(said, key),
        identify=signing.identify,
        pace=Pace(say=waiting),
    )
    if site:
        _show_as_page(store)
    out.show(lambda: publishing.withdrawn_text(done), lambda: publishing.withdrawn_json(done))


@main.command()
@shows
@of_store
@click.option("--hf-data", type=FOLDER, default="hf_data", show_default=True, help="Where the rows are.")
@click.option("--yes", is_flag=True, help="Push without asking.")
def clean(repo: str, to: Path | None, hf_data: Path, *, yes: bool, out: Output) -> int:
    """Remove from git, on the remote branch, the files in hf_data/ whose rows are proved to be published."""
    from sagellm_benchmark.evidence.signing import identify
    from sagellm_benchmark.evidence.verify import prove
    from sagellm_benchmark.hub import cleanup
    from sagellm_benchmark.hub.directory import open_store
    from sagellm_benchmark.hub.retry import Pace
    from sagellm_benchmark.report import publishing
    from sagellm_benchmark.report.job_summary import add_to_job_summary

    if not yes and not sys.stdin.isatty():
        raise UsageError("clean asks before it pushes, and nobody is there to answer", hint="add --yes")
    agree = (lambda _: True) if yes else confirm
    pace = Pace(say=waiting)
    store = open_store(repo, to)
    done = cleanup.clean(hf_data, store, agree=agree, prove=prove, identify=identify, pace=pace)
    if done is not None:
        add_to_job_summary(publishing.cleaned_markdown(done), os.environ)
    out.show(lambda: publishing.cleaned_text(done), lambda: None if done is None else asdict(done))
    return Exit.DATA if done is not None and done.left else Exit.DONE


@main.command()
@shows
@of_store
@click.option("--check", is_flag=True, help="Only compare; exit 3 when the boards differ.")
@click.option("--output", type=FOLDER, help="Write the rebuilt files into this folder.")
def rebuild(repo: str, to: Path | None, output: Path | None, *, check: bool, out: Output) -> int:
    """Make the boards anew from every row ever accepted, to prove or to mend what is published."""
    from sagellm_benchmark.evidence.signing import identify
    from sagellm_benchmark.hub import rebuild as core
    from sagellm_benchmark.hub.directory import open_store
    from sagellm_benchmark.hub.retry import Pace
    from sagellm_benchmark.report import publishing

    if check == (output is not None):
        raise UsageError("rebuild either compares or writes", hint="give --check, or --output FOLDER")
    done = core.rebuild(open_store(repo, to), Pace(say=waiting), compare=check, identify=identify)
    if output is not None:
        core.write(done, output)
    said = publishing.rebuilt_text if output is None else partial(publishing.written_text, folder=output)
    out.show(lambda: said(done), lambda: publishing.rebuilt_json(done))
    return Exit.DATA if check and done.differences else Exit.DONE


@main.command()
@shows
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path, file_okay=False))
@click.option("--key", type=click.Path(path_type=Path, dir_okay=False), help="Sign by this Ed25519 key.")
@click.option(
    "--attach",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Sign nothing; take this Sigstore bundle, such as that of actions/attest.",
)
@click.option("--new-key", type=click.Path(path_type=Path, dir_okay=False), help="Make a key in this file.")
@click.option(
    "--hf-data", type=FOLDER, default="hf_data", show_default=True, help="Where rows are handed in."
)
def sign(
    runs: tuple[Path, ...],
    key: Path | None,
    attach: Path | None,
    new_key: Path | None,
    hf_data: Path,
    *,
    out: Output,
) -> None:
    """Sign the evidence of RUNS, and hand their rows in, also where they reproduce a better one.

    Without --key you are asked who you are, in a browser (Sigstore); a key is for machines without a network, and
    counts once a maintainer has enrolled it.

    \b
    sagellm-benchmark sign outputs/vllm/Qwen2-7B/Q1_20260309_001
    sagellm-benchmark sign --new-key ~/.config/sagellm-benchmark.pem
    sagellm-benchmark sign RUN --key ~/.config/sagellm-benchmark.pem
    """
    from sagellm_benchmark.evidence import signing

    if new_key is not None:
        made = signing.new_key(new_key)
        advice = "next:  put your name in, and have a maintainer add this to the keys of signers.json"
        out.show(lambda: f"{made.decode()}{advice}", lambda: json.loads(made))
        return
    if not runs or (key is not None and attach is not None):
        raise UsageError(
            "nothing to sign, or two ways to do it", hint="name RUNS, and --key or --attach or neither"
        )
    done = {}
    for run in runs:
        line = signing.attached(run, attach) if attach is not None else signing.sign(run, key)
        done[str(run)] = signing.hand_in(run, line, hf_data)
    lines = [f"{run}: signed; row {row} waits in {hf_data}/" for run, row in done.items()]
    advice = "next:  make submit, or, without Actions: make publish"
    out.show(lambda: "\n".join([*lines, advice]), lambda: done)


@main.command()
@shows
@click.argument("subject")
@click.argument("bundle", required=False, type=click.Path(path_type=Path, dir_okay=False))
@of_store
def verify(subject: str, bundle: Path | None, repo: str, to: Path | None, *, out: Output) -> int:
    """Compute a row again from its requests, and say what does not fit; exit 6 when something does not.

    SUBJECT is a run's folder, a row's file, or the id of a published row. BUNDLE is the file of its evidence, where
    that lies somewhere else.
    """
    from sagellm_benchmark.evidence import find
    from sagellm_benchmark.evidence import verify as core
    from sagellm_benchmark.hub.directory import open_store
    from sagellm_benchmark.report import proof

    case = find.find(subject, bundle, lambda: open_store(repo, to))
    found = core.verify(case.row, case.files)
    out.show(lambda: proof.verified_text(found), lambda: proof.verified_json(found))
    return Exit.DONE if found.fits else Exit.INVALID_RUN


@main.command()
@shows
@click.option(
    "--from",
    "source",
    default=DATASET,
    show_default=True,
    help="Where the rows are: a dataset, or a folder such as hf_data.",
)
@click.option(
    "--out", "folder", type=FOLDER, default="site", show_default=True, help="Where index.html is written."
)
@click.option(
    "--beaten", is_flag=True, help="Also fetch every row that was beaten; a folder's are there anyway."
)
def site(source: str, folder: Path, *, beaten: bool, out: Output) -> None:
    """Make the board as one page that needs no server and no network: table, pictures, records.

    \b
    sagellm-benchmark site                        the published board
    sagellm-benchmark site --from hf_data         the rows here, before they are published
    """
    from sagellm_benchmark.files import write_whole
    from sagellm_benchmark.site.gather import gather
    from sagellm_benchmark.site.page import page

    board = gather(source, beaten=beaten, say=waiting)
    made, rows = folder / "index.html", len(board.best)
    write_whole(made, page(board))
    out.show(
        lambda: t("{page}: {rows} rows", page=made, rows=f"{rows:,}"),
        lambda: {"page": str(made), "rows": rows},
    )


@main.command()
@shows
@click.argument("subject")
@of_store
@click.option("--base-url", help="The server that is to reproduce a server's row.")
@click.option(
    "--same-hardware", is_flag=True, help="It is what the row says, and need not be recognised here."
)
@click.option("--allow-files", is_flag=True, help="Let the row's command read files here, or send a key.")
def replay(
    subject: str,
    repo: str,
    to: Path | None,
    base_url: str | None,
    *,
    same_hardware: bool,
    allow_files: bool,
    out: Output,
) -> int:
    """Measure a row's configuration again by its own command; exit 6 where it does not give what the row says.

    SUBJECT is a run's folder, a row's file, or the id of a published row. The new run lies in outputs/ like any other,
    to be aggregated and published.
    """
    from sagellm_benchmark.evidence import find, replay
    from sagellm_benchmark.hub.directory import open_store
    from sagellm_benchmark.options.again import again
    from sagellm_benchmark.options.spec import run_spec
    from sagellm_benchmark.report import folder, proof
    from sagellm_benchmark.report.screen import Screen
    from sagellm_benchmark.runs import pipeline

    claim = find.claim(subject, lambda: open_store(repo, to))
    asked = again(claim.row, base_url=base_url, same_hardware=same_hardware, files_allowed=allow_files)
    spec = run_spec(asked.options, ["run", *asked.words], os.environ)
    with Screen(as_json=out.as_json, quiet=out.quiet) as screen:
        finished = [folder.save(run.folder, run.record) for run in pipeline.run(spec, screen)]
    sound = [(one.row, one.interval) for one in finished if one.row and one.record.summary.valid]
    done = replay.compare(claim.row, claim.interval, sound)
    out.show(lambda: proof.render_replay(done), lambda: proof.replay_json(done))
    return Exit.DONE if done.reproduced else Exit.INVALID_RUN


@main.command()
@shows
@click.option(
    "--log", type=click.Path(path_type=Path), help="A failed workflow run's text, to say what blocked it."
)
def doctor(*, log: Path | None, out: Output) -> None:
    """Say what is installed, reachable, logged in and blocked, and what to do about it."""
    from sagellm_benchmark import doctor as core
    from sagellm_benchmark.report import diagnosis

    found = core.examine(log)
    out.show(lambda: diagnosis.render(found), lambda: diagnosis.summary(found))


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes SHELL complete our commands and options when Tab is pressed.

    \b
    bash    eval "$(sagellm-benchmark completion bash)"            in ~/.bashrc
    zsh     eval "$(sagellm-benchmark completion zsh)"             in ~/.zshrc
    fish    sagellm-benchmark completion fish | source             in ~/.config/fish/config.fish
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - click knows these three
    click.echo(found(main, {}, "sagellm-benchmark", "_SAGELLM_BENCHMARK_COMPLETE").source())


if __name__ == "__main__":
    main()
