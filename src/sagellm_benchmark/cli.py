"""The click commands. Each is four steps: parse, one core call, render, exit code.

Heavy modules are imported inside the commands, so that `--help` answers at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from sagellm_benchmark._version import __version__
from sagellm_benchmark.errors import BenchmarkError, Exit


class Program(click.Group):
    """Turns what went wrong into a message and an exit code, in the one place that does."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run as click does, but say errors the way people read them; never a traceback for a user's mistake."""
        kwargs["standalone_mode"] = False
        try:
            code = super().main(*args, **kwargs)
        except BenchmarkError as error:
            fail(error)
        except click.ClickException as error:
            error.show()
            sys.exit(Exit.USAGE)
        except (click.Abort, KeyboardInterrupt):
            click.echo("\nInterrupted.", err=True)
            sys.exit(Exit.INTERRUPTED)
        except BrokenPipeError:
            sys.stderr.close()  # whoever read our output has gone; there is nobody to tell
            sys.exit(Exit.DONE)
        sys.exit(code if isinstance(code, int) else Exit.DONE)


def fail(error: BenchmarkError) -> None:
    """Print what happened and what to do next, and leave with the error's exit code."""
    click.echo(click.style("error: ", fg="red", bold=True) + error.message, err=True)
    if error.hint:
        click.echo(click.style("next:  ", fg="yellow") + error.hint, err=True)
    sys.exit(error.exit_code)


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, package_name="isagellm-benchmark", prog_name="sagellm-benchmark")
def main() -> None:
    """Measure how fast an LLM serving engine answers, and publish the number.

    \b
    sagellm-benchmark run                        a small real model, nothing to configure
    sagellm-benchmark run --base-url URL         an engine that is already serving
    sagellm-benchmark aggregate                  outputs/ → hf_data/
    sagellm-benchmark publish                    hf_data/ → the shared leaderboard
    """


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the screen.")
@click.option(
    "--log", type=click.Path(path_type=Path), help="A failed workflow run's text, to say what blocked it."
)
def doctor(*, as_json: bool, log: Path | None) -> None:
    """Say what is installed, reachable, logged in and blocked, and what to do about it."""
    from sagellm_benchmark import doctor as look  # noqa: PLC0415
    from sagellm_benchmark.files import to_json  # noqa: PLC0415

    findings = look.examine(log)
    click.echo(to_json(look.summary(findings)).decode() if as_json else look.render(findings))


if __name__ == "__main__":
    main()
