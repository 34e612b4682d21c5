"""Commands that show finished runs, compare them, and compare a new one with a baseline."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sagellm_benchmark.commands.output import Output, shows
from sagellm_benchmark.commands.shared import FOLDER, command
from sagellm_benchmark.echo import echo
from sagellm_benchmark.errors import Exit, UsageError
from sagellm_benchmark.options.values import OneOf
from sagellm_benchmark.words import t

if TYPE_CHECKING:
    from sagellm_benchmark.report.pictures import Format


@command()
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
    type=OneOf(["svg", "png"]),
    help="Also write the pictures to plots/ in each run's folder; png needs the extra `plot`.",
)
def report(
    folders: tuple[Path, ...], *, csv: Path | None, parquet: Path | None, plot: Format | None, out: Output
) -> None:
    """Show finished runs again: those in FOLDERS, or the newest one under outputs/."""
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


@command()
@shows
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--fail-if",
    "limits",
    multiple=True,
    metavar="LIMIT",
    help="Exit with code 6 on a regression such as 'ttft.p99>+5%'.",
)
@click.option(
    "--detect",
    type=click.FloatRange(0.1, 100),
    default=5.0,
    show_default=True,
    help="The difference, in %, that should be found.",
)
@click.option(
    "--force",
    is_flag=True,
    help="Also compare runs that differ in load, model or hardware, and INVALID ones.",
)
def compare(
    runs: tuple[Path, ...], limits: tuple[str, ...], detect: float, *, force: bool, out: Output
) -> int:
    """Say whether each run is faster or slower than the first, or what is needed to tell.

    RUNS are two or more folders of finished runs, files with a row, or results of guidellm
    (benchmarks.json; FILE:2 is its second) and aiperf (profile_export.jsonl). Our checks judge the requests
    in those, too.

    \b
    sagellm-benchmark compare outputs/vllm/Qwen2-7B/Q1_20260309_001 outputs/vllm/Qwen2-7B/Q1_20260310_001
    sagellm-benchmark compare BEFORE AFTER --fail-if 'ttft.p99>+5%' --fail-if 'throughput<-3%'
    """
    from sagellm_benchmark import library
    from sagellm_benchmark.report import comparison as shown
    from sagellm_benchmark.report.job_summary import add_to_job_summary
    from sagellm_benchmark.runs.limit import limit

    asked = [limit(text) for text in limits]
    found = library.compare(*runs, force=force, detect=detect / 100)
    add_to_job_summary("".join(shown.comparison_markdown(one, asked) for one in found), os.environ)
    out.show(
        lambda: "\n\n".join(shown.render_comparison(one, asked) for one in found),
        lambda: [shown.comparison_json(one, asked) for one in found],
    )
    broken = any(each.broken(one) for each in asked for one in found)
    return Exit.INVALID_RUN if broken else Exit.DONE


@command(context_settings={"ignore_unknown_options": True})
@shows
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[OPTIONS OF run]...")
@click.option(
    "--baseline", type=FOLDER, default="baseline", show_default=True, help="The folder of the recorded run."
)
@click.option("--record", is_flag=True, help="Make this run the baseline, if it is valid.")
@click.option(
    "--fail-if",
    "limits",
    multiple=True,
    metavar="LIMIT",
    help="A change that fails, such as 'ttft.p99>+5%'.  [default: throughput<-5%, ttft>+10%, itl>+5%]",
)
@click.option(
    "--force", is_flag=True, help="Compare with the baseline even if the load or the hardware differs."
)
def regress(
    words: tuple[str, ...], baseline: Path, limits: tuple[str, ...], *, record: bool, force: bool, out: Output
) -> int:
    """Measure, and exit with code 6 if it is worse than the recorded baseline beyond noise.

    \b
    sagellm-benchmark regress --record --base-url http://127.0.0.1:8000    on a version that you trust
    sagellm-benchmark regress --base-url http://127.0.0.1:8000             after each change
    """
    from sagellm_benchmark.options.regress import regress_spec
    from sagellm_benchmark.report import baseline as shown
    from sagellm_benchmark.report import comparison
    from sagellm_benchmark.report import folder as folders
    from sagellm_benchmark.report.job_summary import add_to_job_summary
    from sagellm_benchmark.report.screen import Screen
    from sagellm_benchmark.runs import pipeline
    from sagellm_benchmark.runs.comparison import compared
    from sagellm_benchmark.runs.limit import limit

    asked = [limit(text) for text in limits or shown.LIMITS]
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
    found = compared(before, comparison.open_side(done.folder), force=force)
    path = comparison.write_comparison(done.folder, found, asked)
    add_to_job_summary(path.read_text(encoding="utf-8"), os.environ)
    out.show(
        lambda: comparison.render_comparison(found, asked), lambda: comparison.comparison_json(found, asked)
    )
    return Exit.INVALID_RUN if any(one.broken(found) for one in asked) else Exit.DONE
