"""Commands that sign a run, recompute a row, and measure a row's configuration again."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from sagellm_benchmark.commands.output import Output, shows
from sagellm_benchmark.commands.shared import FOLDER, command, of_store
from sagellm_benchmark.errors import Exit, UsageError
from sagellm_benchmark.typed import typed


@command()
@shows
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path, file_okay=False))
@click.option("--key", type=click.Path(path_type=Path, dir_okay=False), help="Sign with this Ed25519 key.")
@click.option(
    "--attach",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Do not sign; use this Sigstore bundle, for example from actions/attest.",
)
@click.option("--new-key", type=click.Path(path_type=Path, dir_okay=False), help="Create a key in this file.")
@click.option(
    "--hf-data",
    type=FOLDER,
    default="hf_data",
    show_default=True,
    help="The folder to which the rows are added.",
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
    """Sign the evidence of RUNS and add their rows to hf_data/, even if a better row is published.

    Without --key, a browser asks who you are (Sigstore). A key is for machines without a network, and
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
            "there is nothing to sign, or there are two ways to sign it",
            hint="name RUNS, and give --key, --attach or neither",
        )
    done = {}
    for run in runs:
        line = signing.attached(run, attach) if attach is not None else signing.sign(run, key)
        done[str(run)] = signing.hand_in(run, line, hf_data)
    lines = [f"{run}: signed; row {row} waits in {hf_data}/" for run, row in done.items()]
    advice = f"next:  {typed('submit')}, or, without Actions: {typed('publish')}"
    out.show(lambda: "\n".join([*lines, advice]), lambda: done)


@command()
@shows
@click.argument("subject")
@click.argument("bundle", required=False, type=click.Path(path_type=Path, dir_okay=False))
@of_store
def verify(subject: str, bundle: Path | None, repo: str, to: Path | None, *, out: Output) -> int:
    """Recompute a row from its requests, and say what does not match; exit with code 6 if anything does not.

    SUBJECT is a run's folder, a row's file, or the id of a published row. BUNDLE is the file with its
    evidence, if it is elsewhere.
    """
    from sagellm_benchmark.evidence import find
    from sagellm_benchmark.evidence import verify as core
    from sagellm_benchmark.hub.directory import open_store
    from sagellm_benchmark.report import proof

    case = find.find(subject, bundle, lambda: open_store(repo, to))
    found = core.verify(case.row, case.files)
    out.show(lambda: proof.verified_text(found), lambda: proof.verified_json(found))
    return Exit.DONE if found.fits else Exit.INVALID_RUN


@command()
@shows
@click.argument("subject")
@of_store
@click.option("--base-url", help="The server on which to reproduce the row of a server.")
@click.option(
    "--same-hardware", is_flag=True, help="The hardware is what the row says; do not detect it here."
)
@click.option(
    "--allow-files",
    is_flag=True,
    help="Allow the row's command to start programs, read local files, or send a key.",
)
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
    """Measure a row's configuration again with its own command; exit with code 6 if the result differs.

    SUBJECT is a run's folder, a row's file, or the id of a published row. The new run is saved in outputs/;
    aggregate and publish it like any other.
    """
    from sagellm_benchmark.evidence import find, replay
    from sagellm_benchmark.hub.directory import open_store
    from sagellm_benchmark.options.again import again
    from sagellm_benchmark.options.run import BASE_URL_VARIABLE
    from sagellm_benchmark.options.spec import run_spec
    from sagellm_benchmark.report import folder, proof
    from sagellm_benchmark.report.screen import Screen
    from sagellm_benchmark.runs import pipeline

    claim = find.claim(subject, lambda: open_store(repo, to))
    asked = again(claim.row, base_url=base_url, same_hardware=same_hardware, files_allowed=allow_files)
    environ = {name: value for name, value in os.environ.items() if name != BASE_URL_VARIABLE}
    try:
        spec = run_spec(asked.options, ["run", *asked.words], environ)
    except UsageError as error:
        raise UsageError(
            f"this version cannot repeat the row's command: {error.message}",
            hint=f"{error.hint}; or use the version of this tool that the row names",
        ) from error
    with Screen(as_json=out.as_json, quiet=out.quiet) as screen:
        if asked.without_effect:
            screen.note(f"left out, without effect: {', '.join(asked.without_effect)}")
        finished = [folder.save(run.folder, run.record) for run in pipeline.run(spec, screen)]
    sound = [(one.row, one.interval) for one in finished if one.row and one.record.summary.valid]
    done = replay.compare(claim.row, claim.interval, sound)
    out.show(lambda: proof.render_replay(done), lambda: proof.replay_json(done))
    return Exit.DONE if done.reproduced else Exit.INVALID_RUN
