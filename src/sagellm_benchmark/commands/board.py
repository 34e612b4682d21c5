"""Commands that change, verify or show the shared board."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sagellm_benchmark.commands.output import Output, confirm, shows
from sagellm_benchmark.commands.shared import DATASET, FOLDER, command, of_store
from sagellm_benchmark.errors import Exit, UsageError
from sagellm_benchmark.words import retold

if TYPE_CHECKING:
    from sagellm_benchmark.hub.store import Store


@command()
@shows
@of_store
@click.option(
    "--hf-data", type=FOLDER, default="hf_data", show_default=True, help="The folder with the rows."
)
@click.option("--dry-run", is_flag=True, help="Say what would happen to each row, and write nothing.")
@click.option("--merge-only", is_flag=True, help="Write the merged boards to hf_data/, and upload nothing.")
@click.option("--skip-invalid", is_flag=True, help="Skip the rows that may not be published, and list them.")
@click.option("--create", is_flag=True, help="Create the dataset without asking, if there is none.")
@click.option("--site", is_flag=True, help="Also write the leaderboard page (index.html) to the dataset.")
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
    """Merge the rows in hf_data/ into the shared leaderboard.

    No row is lost, even if others publish at the same time.
    """
    from sagellm_benchmark.evidence.signing import identify
    from sagellm_benchmark.evidence.verify import prove
    from sagellm_benchmark.hub import publish as core
    from sagellm_benchmark.hub.bundles import bundles_in
    from sagellm_benchmark.hub.directory import never, open_store
    from sagellm_benchmark.hub.handed_in import rows_in
    from sagellm_benchmark.hub.retry import Pace
    from sagellm_benchmark.report import publishing
    from sagellm_benchmark.report.job_summary import add_to_job_summary

    asked = confirm if sys.stdin.isatty() else never
    agree = (lambda _: True) if create else asked
    store = open_store(repo, to, create=agree)
    pace = Pace(say=out.wait)
    if merge_only:
        done = core.merge(store, hf_data, skip_invalid=skip_invalid, pace=pace)
    else:
        done = core.publish(
            store,
            rows_in(hf_data),
            bundles=bundles_in(hf_data),
            prove=prove,
            identify=identify,
            skip_invalid=skip_invalid,
            dry_run=dry_run,
            pace=pace,
        )
    if site and not (dry_run or merge_only):
        _show_as_page(store, out)
    sent = not (dry_run or merge_only)
    add_to_job_summary(publishing.published_markdown(done, sent=sent), os.environ)
    out.show(
        lambda: publishing.published_text(done, sent=sent), lambda: publishing.published_json(done, sent=sent)
    )


def _show_as_page(store: Store, out: Output) -> None:
    from sagellm_benchmark.hub.page import put_page
    from sagellm_benchmark.hub.retry import Pace
    from sagellm_benchmark.site.gather import from_store
    from sagellm_benchmark.site.page import page

    out.wait("making the page of the board")
    put_page(store, lambda: page(from_store(store, beaten=False, say=out.wait)), Pace(say=out.wait))


@command()
@shows
@click.argument("row")
@click.option("--reason", required=True, help="The reason, in one line that everybody can read.")
@of_store
@click.option("--key", type=click.Path(path_type=Path, dir_okay=False), help="Sign with this Ed25519 key.")
@click.option("--site", is_flag=True, help="Also rebuild the dataset's page, index.html.")
def withdraw(
    row: str, reason: str, repo: str, to: Path | None, key: Path | None, *, site: bool, out: Output
) -> None:
    """Take an accepted row off the board for good, with a signed statement.

    The rows that it beat come back.

    ROW is a published row's id, its file, or its run's folder. The statement counts if it is signed by
    whoever signed the row, or by a maintainer named in the dataset. Without --key, a browser asks who you
    are (Sigstore).

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
        pace=Pace(say=out.wait),
    )
    if site:
        _show_as_page(store, out)
    out.show(lambda: publishing.withdrawn_text(done), lambda: publishing.withdrawn_json(done))


@command()
@shows
@of_store
@click.option(
    "--hf-data", type=FOLDER, default="hf_data", show_default=True, help="The folder with the rows."
)
@click.option("--yes", is_flag=True, help="Push without asking.")
def clean(repo: str, to: Path | None, hf_data: Path, *, yes: bool, out: Output) -> int:
    """Remove the files in hf_data/ from the remote git branch, once their rows are proved to be published."""
    from sagellm_benchmark.evidence.signing import identify
    from sagellm_benchmark.evidence.verify import prove
    from sagellm_benchmark.hub import cleanup
    from sagellm_benchmark.hub.directory import open_store
    from sagellm_benchmark.hub.retry import Pace
    from sagellm_benchmark.report import publishing
    from sagellm_benchmark.report.job_summary import add_to_job_summary

    if not yes and not sys.stdin.isatty():
        raise UsageError(
            "clean asks before it pushes, but there is no terminal to answer at", hint="add --yes"
        )
    agree = (lambda _: True) if yes else confirm
    pace = Pace(say=out.wait)
    store = open_store(repo, to)
    done = cleanup.clean(hf_data, store, agree=agree, prove=prove, identify=identify, pace=pace)
    if done is not None:
        add_to_job_summary(publishing.cleaned_markdown(done), os.environ)
    out.show(lambda: publishing.cleaned_text(done), lambda: None if done is None else asdict(done))
    return Exit.DATA if done is not None and done.left else Exit.DONE


@command()
@shows
@of_store
@click.option("--check", is_flag=True, help="Only compare, and exit with code 3 if the boards differ.")
@click.option("--output", type=FOLDER, help="Write the rebuilt files to this folder.")
def rebuild(repo: str, to: Path | None, output: Path | None, *, check: bool, out: Output) -> int:
    """Rebuild the boards from every row ever accepted, to prove or repair what is published."""
    from sagellm_benchmark.evidence.signing import identify
    from sagellm_benchmark.evidence.verify import prove
    from sagellm_benchmark.hub import rebuild as core
    from sagellm_benchmark.hub.directory import open_store
    from sagellm_benchmark.hub.retry import Pace
    from sagellm_benchmark.report import publishing

    if check == (output is not None):
        raise UsageError("rebuild either compares or writes", hint="give --check, or --output FOLDER")
    store, pace = open_store(repo, to), Pace(say=out.wait)
    done = core.rebuild(store, pace, compare=check, prove=prove, identify=identify)
    if output is not None:
        core.write(done, output)
    said = publishing.rebuilt_text if output is None else partial(publishing.written_text, folder=output)
    out.show(lambda: said(done), lambda: publishing.rebuilt_json(done))
    return Exit.DATA if check and done.differences else Exit.DONE


@command()
@shows
@click.option(
    "--from",
    "source",
    default=DATASET,
    show_default=True,
    help="A dataset, or a folder with rows, such as hf_data.",
)
@click.option(
    "--out",
    "folder",
    type=FOLDER,
    default="site",
    show_default=True,
    help="The folder to which index.html is written.",
)
@click.option(
    "--beaten",
    is_flag=True,
    help="Also download every row that was beaten (those in a folder are always included).",
)
def site(source: str, folder: Path, *, beaten: bool, out: Output) -> None:
    """Build the leaderboard as one page that needs no server and no network.

    \b
    sagellm-benchmark site                        the published board
    sagellm-benchmark site --from hf_data         the local rows, before they are published
    """
    from sagellm_benchmark.files import write_whole
    from sagellm_benchmark.site.gather import gather
    from sagellm_benchmark.site.page import page
    from sagellm_benchmark.text import count_of

    board = gather(source, beaten=beaten, say=out.wait)
    made, rows = folder / "index.html", len(board.best)
    write_whole(made, page(board))
    out.show(
        lambda: "\n".join([f"{made}: {retold(count_of(rows, 'row'))}", *map(_left_out, board.left_out)]),
        lambda: {"page": str(made), "rows": rows, "left_out": list(board.left_out)},
    )


def _left_out(why: str) -> str:
    return retold(f"left out: {retold(why)}")
