"""A dataclass whose fields are a command's options: one declaration gives the parser, the help and the type."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from sagellm_benchmark.options.help import ToldCommand, misuse

Options = TypeVar("Options")
_OPTION = "option"

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
"""Returns the values that begin with what the user has typed."""


@dataclass(frozen=True, slots=True)
class _Declared:
    names: tuple[str, ...]
    heading: str
    hidden_names: tuple[str, ...]
    settings: Mapping[str, Any]


def option(
    *names: str, heading: str, default: Any = None, hidden_names: tuple[str, ...] = (), **settings: Any
) -> Any:
    """Return a dataclass field that declares an option; `settings` are those of `click.option`.

    `heading` is its section in --help, which shows neither `hidden_names`, though they work, nor a default of nothing:
    None, False, zero or empty.
    """
    settings = {"default": default, "show_default": bool(default), **settings}
    return field(default=default, metadata={_OPTION: _Declared(names, heading, hidden_names, settings)})


class HeadedOption(click.Option):
    """An option that stands under a heading in --help."""

    def __init__(self, *args: Any, heading: str, hidden_names: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.heading = heading
        self.hidden_names = hidden_names

    def get_help_extra(self, ctx: click.Context) -> Any:
        """Return what --help adds, without the range: it is wide, and the error for a value outside it names it."""
        extra = super().get_help_extra(ctx)
        extra.pop("range", None)
        return extra

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the option's line in --help, without the hidden names."""
        shown = copy.copy(self)
        shown.opts = [name for name in self.opts if name not in self.hidden_names]
        return super(HeadedOption, shown).get_help_record(ctx)


class HeadedCommand(ToldCommand):
    """A command whose --help groups the options under their headings, in the order of declaration."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section for each heading; an option without a heading comes last, under Help."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                sections.setdefault(getattr(parameter, "heading", "Help"), []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def takes(
    kind: type[Options], offers: Mapping[str, Completer] | None = None
) -> Callable[[Callable[[Options], Any]], Callable[..., Any]]:
    """Return a decorator that gives a command every option of a dataclass, and calls it with an instance of the class.

    `offers` maps fields to the functions that complete their values. If the dataclass has a field `given`, it gets the
    names of the fields that the command line itself states.
    """
    declared = [(one.name, one.metadata[_OPTION]) for one in fields(kind) if _OPTION in one.metadata]  # type: ignore[arg-type]
    notes_given = any(one.name == "given" for one in fields(kind))  # type: ignore[arg-type]

    def decorate(command: Callable[[Options], Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def called(**values: Any) -> Any:
            context = click.get_current_context()
            if notes_given:
                values["given"] = frozenset(
                    name
                    for name in values
                    if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
                )
            return command(kind(**values))

        decorated: Callable[..., Any] = called
        for name, one in reversed(declared):
            decorated = click.option(
                *(*one.names, *one.hidden_names, name),
                cls=HeadedOption,
                heading=one.heading,
                hidden_names=one.hidden_names,
                shell_complete=(offers or {}).get(name),
                **one.settings,
            )(decorated)
        return decorated

    return decorate


def parse(kind: type[Options], words: Sequence[str]) -> Options:
    """Return the options that the words after `run` state. Raise UsageError if `run` does not understand them."""
    command = click.command(add_help_option=False)(takes(kind)(lambda options: options))
    try:
        stated: Options = command.main(list(words), "sagellm-benchmark run", standalone_mode=False)
    except click.ClickException as error:
        raise misuse(error) from error
    return stated


def flag(kind: type[Any], name: str) -> str:
    """Return a field's option as the user types it."""
    return flags(kind, name)[0]


def flags(kind: type[Any], name: str) -> tuple[str, str]:
    """Return a field's option and its opposite, such as `--open` and `--no-open`; empty if it has no opposite."""
    declared: _Declared = next(one.metadata[_OPTION] for one in fields(kind) if one.name == name)
    on, _, off = declared.names[0].partition("/")
    return on, off


def spellings(kind: type[Any], name: str) -> set[str]:
    """Return every way to write a field's option, including short and hidden names."""
    declared: _Declared = next(one.metadata[_OPTION] for one in fields(kind) if one.name == name)
    return {one for names in (*declared.names, *declared.hidden_names) for one in names.split("/")}


def without(words: Sequence[str], flags: set[str]) -> list[str]:
    """Return the words of a command line without the options in `flags`, each of which takes one value."""
    kept: list[str] = []
    is_value = False
    for word in words:
        if is_value:
            is_value = False
        elif word in flags:
            is_value = True
        elif word.partition("=")[0] not in flags:
            kept.append(word)
    return kept
