"""The program, and `run`. A command is four steps: parse, one core call, render, exit code.

Heavy modules are imported inside the commands, so that `--help` answers at once.
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
from click.exceptions import NoArgsIsHelpError

from sagellm_benchmark._version import __version__
from sagellm_benchmark.blas import start_no_threads
from sagellm_benchmark.commands import board, evidence, matrix, results, rows
from sagellm_benchmark.commands.offers import OF_RUN
from sagellm_benchmark.commands.output import Output, shows, speak
from sagellm_benchmark.commands.shared import needing_ray
from sagellm_benchmark.echo import echo
from sagellm_benchmark.errors import BenchmarkError, Exit
from sagellm_benchmark.hanging import leave
from sagellm_benchmark.options.declare import HeadedCommand, takes
from sagellm_benchmark.options.help import ToldCommand, misuse
from sagellm_benchmark.options.run import RunOptions
from sagellm_benchmark.options.values import OneOf
from sagellm_benchmark.words import LANGUAGES, asked, choose, of_locale, retold_lines, t

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from sagellm_benchmark.report.screen import Screen
    from sagellm_benchmark.runs.context import Sender
    from sagellm_benchmark.runs.spec import RunSpec


class Program(ToldCommand, click.Group):
    """Turns what went wrong into a message and an exit code, in the one place that does."""

    command_class = ToldCommand

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run as click does, but say errors the way people read them; never a traceback for a user's mistake."""
        try:
            self._said(*args, **kwargs)
        except SystemExit as end:
            leave(end.code)

    def _said(self, *args: Any, **kwargs: Any) -> NoReturn:
        kwargs["standalone_mode"] = False
        start_no_threads()
        choose(asked(sys.argv[1:]) or of_locale(os.environ))
        if os.environ.get("NO_COLOR"):  # https://no-color.org
            kwargs["color"] = False
        try:
            code = super().main(*args, **kwargs)
        except BenchmarkError as error:
            fail(error)
        except NoArgsIsHelpError as page:
            page.show()
            sys.exit(Exit.USAGE)
        except click.ClickException as error:
            fail(misuse(error))
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


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--lang", type=OneOf(LANGUAGES), expose_value=False, help="The language.  [default: the locale's]"
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
@takes(RunOptions, OF_RUN)
def run(options: RunOptions) -> int:
    """Measure a model and write its report and leaderboard row.

    \b
    sagellm-benchmark run                                 SmolLM2-135M, real weights
    sagellm-benchmark run --model Qwen2-7B                weights from the Hub, or dummy ones
    sagellm-benchmark run --base-url http://host:8000     the model that is served there
    sagellm-benchmark run --workload Q1,Q5 --repeats 3    two workloads, three times each
    sagellm-benchmark run --concurrency 1,2,4,8           a sweep: one row for each concurrency
    sagellm-benchmark run --workload custom --input-tokens 512 --output-tokens 128 --rate 4    an open loop
    sagellm-benchmark run --base-url URL --versus URL     two servers in turns: faster, slower, or cannot tell
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
    with ExitStack() as cleaned:
        try:
            with screen:
                sender = cleaned.enter_context(_sender(spec, screen))
                for one in library.measure(spec, screen, sender):
                    finished.append(one)
                    screen.show(one)
        finally:  # also when a later run fails, and before a cluster is left, which may take time
            screen.close(finished, folder.write_curves(finished))
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
    from sagellm_benchmark.runs import versus
    from sagellm_benchmark.runs.limit import limit

    asked = [limit(text) for text in options.fail_if]
    specs = versus_specs(options, sys.argv[1:], os.environ)
    with Screen(as_json=options.as_json, quiet=options.quiet) as screen:
        a, b = (folder.save(one.folder, one.record) for one in versus.in_turn(*specs, screen))
    found = shown.of_rounds(a, b)
    path = shown.write_comparison(b.folder, found, asked)
    add_to_job_summary(path.read_text(encoding="utf-8"), os.environ)
    Output(as_json=options.as_json, quiet=options.quiet).show(
        lambda: f"{shown.render_comparison(found, asked)}\n\n  {t('comparison')}  {path}",
        lambda: shown.comparison_json(found, asked),
    )
    if any(one.record.summary.status == "interrupted" for one in (a, b)):
        return Exit.INTERRUPTED
    broken = any(one.broken(found) for one in asked)
    return Exit.INVALID_RUN if broken or found.a.against or found.b.against else Exit.DONE


def _sender(spec: RunSpec, screen: Screen) -> AbstractContextManager[Sender]:
    """This machine, or the nodes of a cluster, which are Ray's: only whoever asks for it needs it installed."""
    from sagellm_benchmark.runs.context import HERE

    if spec.on is None:
        return nullcontext(HERE)
    with needing_ray():
        from sagellm_benchmark.cluster.ray_nodes import connect
    said_to = sys.stderr if screen.silent else None  # JSON must stay alone on standard output
    opened: AbstractContextManager[Sender] = connect(
        spec.on, spec.client_nodes, spec.processes, screen.note, said_to
    )
    return opened


@main.command()
@shows
@click.option(
    "--log",
    type=click.Path(path_type=Path),
    help="The log of a failed workflow run, to find out what blocked it.",
)
def doctor(*, log: Path | None, out: Output) -> None:
    """Check what is installed, reachable, logged in and blocked, and say what to do about it."""
    from sagellm_benchmark import doctor as core
    from sagellm_benchmark.report import diagnosis

    found = core.examine(log)
    out.show(lambda: diagnosis.render(found), lambda: diagnosis.summary(found))


@main.command()
@click.argument("shell", type=OneOf(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script that lets SHELL complete commands and options with Tab.

    \b
    bash    eval "$(sagellm-benchmark completion bash)"            in ~/.bashrc
    zsh     eval "$(sagellm-benchmark completion zsh)"             in ~/.zshrc
    fish    sagellm-benchmark completion fish | source             in ~/.config/fish/config.fish
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - click knows these three
    click.echo(found(main, {}, "sagellm-benchmark", "_SAGELLM_BENCHMARK_COMPLETE").source())


for command in (
    matrix.matrix,
    matrix.serve,
    results.report,
    results.compare,
    results.regress,
    rows.aggregate,
    rows.submit,
    rows.merge_driver,
    rows.validate,
    board.publish,
    board.withdraw,
    board.clean,
    board.rebuild,
    board.site,
    evidence.sign,
    evidence.verify,
    evidence.replay,
):
    main.add_command(command)


if __name__ == "__main__":
    main()
