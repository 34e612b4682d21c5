"""Commands that collect rows in hf_data/, check them, and submit them."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sagellm_benchmark.commands.output import Output, shows
from sagellm_benchmark.commands.shared import FOLDER, REPO, command, of_store
from sagellm_benchmark.echo import echo
from sagellm_benchmark.errors import Exit, UsageError
from sagellm_benchmark.text import plain
from sagellm_benchmark.words import retold_lines, t

if TYPE_CHECKING:
    from sagellm_benchmark.board.aggregate import Report


OF_RUNS = click.option(
    "--outputs",
    "found_in",
    type=FOLDER,
    default="outputs",
    show_default=True,
    help="The folder with the runs.",
)


@command()
@shows
@OF_RUNS
@click.option(
    "--hf-data",
    type=FOLDER,
    default="hf_data",
    show_default=True,
    help="The folder to which the boards are written.",
)
@click.option(
    "--offline", is_flag=True, help="Download nothing. This is safe, because publishing merges again."
)
@REPO
def aggregate(found_in: Path, hf_data: Path, repo: str, *, offline: bool, out: Output) -> int:
    """Merge every finished run's row with the published board into hf_data/."""
    from sagellm_benchmark.report import board

    done = _aggregated("aggregate", found_in, hf_data, repo, offline=offline, out=out)
    out.show(lambda: board.aggregate_text(done), lambda: board.aggregate_json(done))
    return Exit.DATA if done.damaged else Exit.DONE


def _aggregated(
    asked_by: str, found_in: Path, hf_data: Path, repo: str, *, offline: bool, out: Output
) -> Report:
    """Aggregate the rows and their evidence, and install the merge driver, so that git can join the boards."""
    from sagellm_benchmark.board import aggregate as core
    from sagellm_benchmark.evidence.carry import carry
    from sagellm_benchmark.hub import merging
    from sagellm_benchmark.hub.fetch import published_boards

    published = None if offline else published_boards(repo, asked_by=asked_by, say=out.wait)
    done = core.aggregate(found_in, hf_data, published)
    for left in carry(done).left:
        echo(retold_lines(left), err=True, mark=t("note:  "), colour="yellow")
    merging.install(hf_data)
    return done


@command()
@shows
@OF_RUNS
@click.option(
    "--hf-data", type=FOLDER, default="hf_data", show_default=True, help="The folder with the boards."
)
@click.option("--offline", is_flag=True, help="Do not read the dataset; publishing merges again.")
@REPO
def submit(found_in: Path, hf_data: Path, repo: str, *, offline: bool, out: Output) -> int:
    """Aggregate, commit hf_data/ and push it. No row is lost, even if others push at the same time."""
    from sagellm_benchmark.hub import submit as pushing
    from sagellm_benchmark.hub.retry import Pace
    from sagellm_benchmark.report import board, publishing

    report = _aggregated("submit", found_in, hf_data, repo, offline=offline, out=out)
    if not (out.as_json or out.quiet):
        # before the push, which may take a while
        echo(retold_lines(board.aggregate_text(report, then_submit=True)))
    done = pushing.submit(hf_data, pace=Pace(say=out.wait))
    out.show(
        lambda: publishing.submitted_text(done),
        lambda: {"aggregated": board.aggregate_json(report), "submitted": asdict(done)},
    )
    return Exit.DATA if report.damaged else Exit.DONE


@command("merge-driver", hidden=True)
@click.argument("versions", nargs=3, type=click.Path(path_type=Path, dir_okay=False))
def merge_driver(versions: tuple[Path, Path, Path]) -> None:
    """Join two versions of a file in hf_data/ for git, which names their common ancestor, ours and theirs."""
    from sagellm_benchmark.hub import merging

    _, ours, theirs = versions
    merging.merge(ours, theirs)


@command()
@shows
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--as-new", is_flag=True, help="Check them by all the rules for new rows, including their numbers."
)
@click.option(
    "--published",
    "as_published",
    is_flag=True,
    help="Check hf_data/ as publishing will: rows that are not published yet must obey the rules for new rows.",
)
@of_store
def validate(
    files: tuple[Path, ...], repo: str, to: Path | None, *, as_new: bool, as_published: bool, out: Output
) -> int:
    """Check leaderboard rows: those in FILES, or those in hf_data/."""
    from sagellm_benchmark.board import validate as core
    from sagellm_benchmark.board.folder import derived_files, row_files
    from sagellm_benchmark.report import board
    from sagellm_benchmark.report.job_summary import add_to_job_summary

    if as_published:
        if files or as_new:
            raise UsageError("--published checks hf_data/ as a whole", hint="leave out FILES and --as-new")
        return _judged(repo, to, out)
    here = Path("hf_data")
    done = core.validate(
        files or ([*row_files(here), *derived_files(here)] if here.is_dir() else ()), as_new=as_new
    )
    add_to_job_summary(board.validation_markdown(done), os.environ)
    out.show(lambda: board.validation_text(done), lambda: board.validation_json(done))
    return Exit.DONE if done.valid else Exit.DATA


def _judged(repo: str, to: Path | None, out: Output) -> int:
    """Say which rows of hf_data/ publishing would add and which it would refuse, and write nothing."""
    from sagellm_benchmark.board import validate as core
    from sagellm_benchmark.board.folder import derived_files
    from sagellm_benchmark.evidence.signing import identify
    from sagellm_benchmark.evidence.verify import prove
    from sagellm_benchmark.hub import publish
    from sagellm_benchmark.hub.bundles import bundles_in
    from sagellm_benchmark.hub.directory import open_store
    from sagellm_benchmark.hub.handed_in import rows_in
    from sagellm_benchmark.report import publishing
    from sagellm_benchmark.report.job_summary import add_to_job_summary

    here = Path("hf_data")
    damaged = core.validate(derived_files(here), as_new=False).damaged if here.is_dir() else ()
    done = publish.publish(
        open_store(repo, to),
        rows_in(here),
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
