"""The click commands. Each is four steps: parse, one core call, render, exit code.

Heavy modules are imported inside the commands, so that `--help` answers at once.
"""

from __future__ import annotations

import sys
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


if __name__ == "__main__":
    main()
