"""What a plan asks for: every combination of its axes is a cell, which has its own id."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import orjson

from sagellm_benchmark._version import __version__
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import read_toml

AXES = ("engines", "models", "workloads", "loads")
RESERVED = ("json", "outputs", "output-dir", "quiet", "repeats", "seed")
"""Options of `run` that the matrix sets itself."""
MOST_CELLS = 10_000
MOST_NEEDED = 10_000  # processors or accelerators of one node

NEEDS = ("num_cpus", "num_gpus")
"""What a cell needs of a cluster's node, by Ray's names; stated in [options] or for an engine."""

Options = Mapping[str, str | int | float | bool]
"""Options of `run` by their long names without the leading dashes, such as `base-url`."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a cell needs of a cluster's node, in Ray's units; None if the plan does not say."""

    num_cpus: float | None = None
    num_gpus: float | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """One point on an axis: a name, and the options that it stands for."""

    name: str
    options: tuple[tuple[str, str | int | float | bool], ...]
    needs: Needs = Needs()


@dataclass(frozen=True, slots=True)
class Plan:
    """The content of a plan's file. An axis that is left out has one point without a name."""

    name: str
    repeats: int
    options: tuple[tuple[str, str | int | float | bool], ...]  # of every cell
    axes: tuple[tuple[Point, ...], ...]  # in the order of AXES
    needs: Needs = Needs()  # of every cell, unless its engine says otherwise


@dataclass(frozen=True, slots=True)
class Cell:
    """One measurement. `id` is the hash of what is measured and with which versions."""

    id: str
    names: tuple[str, ...]  # in the order of AXES
    repeat: int  # from 0 on
    words: tuple[str, ...]  # the options of its `run`
    server: str = ""  # the hash of what determines its server
    needs: Needs = Needs()

    @property
    def label(self) -> str:
        """A readable name, such as `vllm, Q1, 4 at a time, repeat 2`."""
        return ", ".join([*filter(None, self.names), f"repeat {self.repeat + 1}"])


def read(path: Path) -> Plan:
    """Read a plan. Raise DataError, naming the table, the key and what is allowed."""
    return _plan(read_toml(path, example="those of docs/matrix.md"), path)


def cells(plan: Plan, version_of: Callable[[Options], str | None]) -> tuple[Cell, ...]:
    """Return every cell in the order of measurement; `version_of` returns an engine's version, given its options.

    Engines alternate, in the opposite order each time, and the order of loads is reversed with each repeat, so that a
    machine that slowly changes favours none of them.
    """
    engines, *others = plan.axes
    versions = {point: version_of({**dict(plan.options), **dict(point.options)}) for point in engines}
    found: list[Cell] = []
    for repeat in range(plan.repeats):
        rests = list(product(*others))
        for place, rest in enumerate(rests if repeat % 2 == 0 else rests[::-1]):
            turn = engines if (repeat + place) % 2 == 0 else engines[::-1]
            found += [_cell(plan, (engine, *rest), repeat, versions[engine]) for engine in turn]
    return tuple(found)


def _cell(plan: Plan, points: tuple[Point, ...], repeat: int, engine_version: str | None) -> Cell:
    options = dict(plan.options) | {name: value for point in points for name, value in point.options}
    setup = {"options": options, "repeat": repeat, "engine_version": engine_version, "tool": __version__}
    digest = hashlib.sha256(orjson.dumps(setup, option=orjson.OPT_SORT_KEYS)).hexdigest()
    same_prompts = [dict(point.options) for point in points[1:]]  # all engines get the same prompts
    seed = int.from_bytes(hashlib.sha256(orjson.dumps([same_prompts, repeat])).digest()[:4], "big") >> 1
    words = tuple(word for name, value in options.items() for word in _words(name, value))
    return Cell(
        id=digest[:16],
        names=tuple(point.name for point in points),
        repeat=repeat,
        words=(*words, "--seed", str(seed)),
        server=_server(plan, points),
        needs=_joined(plan.needs, points[0].needs),
    )


def _server(plan: Plan, points: tuple[Point, ...]) -> str:
    """Return the hash of what determines a cell's server: its engine, its model, and the options of all cells."""
    engine, model, *_ = points
    stated = [dict(plan.options), dict(engine.options), dict(model.options)]
    return hashlib.sha256(orjson.dumps(stated, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def _joined(common: Needs, own: Needs) -> Needs:
    return Needs(
        common.num_cpus if own.num_cpus is None else own.num_cpus,
        common.num_gpus if own.num_gpus is None else own.num_gpus,
    )


def _words(name: str, value: str | int | float | bool) -> Iterator[str]:
    """Yield an option as it is typed, in one word, so that a value that begins with a dash stays a value."""
    if value is True:
        yield f"--{name}"
    elif value is not False:
        yield f"--{name}={value}"


def _plan(values: dict[str, Any], path: Path) -> Plan:
    known = ("name", "repeats", "options", *AXES)
    if unknown := [name for name in values if name not in known]:
        raise DataError(f"{path}: there is no {unknown[0]!r}", hint=f"a plan holds {', '.join(known)}")
    name, repeats = values.get("name", path.stem), values.get("repeats", 1)
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise DataError(f"{path}: name must be a text", hint='such as name = "nightly"')
    if type(repeats) is not int or not 1 <= repeats <= 1000:
        raise DataError(f"{path}: repeats = {repeats!r} is not allowed", hint="a whole number from 1 to 1000")
    common = values.get("options", {})
    needs = _needs(common, f"{path}, [options]") if isinstance(common, dict) else Needs()
    plan = Plan(
        name=name,
        repeats=repeats,
        options=_options(common, f"{path}, [options]"),
        axes=tuple(_axis(axis, values.get(axis), path) for axis in AXES),
        needs=needs,
    )
    _check_stated_once(plan, path)
    size = repeats * math.prod(len(axis) for axis in plan.axes)
    if size > MOST_CELLS:
        raise DataError(f"{path} has {size:,} cells", hint=f"a plan may have {MOST_CELLS:,}; split it")
    return plan


def _axis(axis: str, tables: Any, path: Path) -> tuple[Point, ...]:
    if tables is None:
        return (Point("", ()),)
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise DataError(f"{path}: {axis} must be tables", hint=f"write [[{axis}]] and its options below it")
    points = tuple(
        _point(dict(table), f"{path}, {axis} {place}", of_engine=axis == "engines")
        for place, table in enumerate(tables, 1)
    )
    if len({point.name for point in points}) < len(points):
        raise DataError(f"{path}: two of the {axis} have the same name", hint="give each a name of its own")
    return points


def _point(table: dict[str, Any], where: str, *, of_engine: bool) -> Point:
    name = table.pop("name", None)
    needs = _needs(table, where) if of_engine else Needs()
    options = _options(table, where)
    if name is None:
        name = " ".join(str(value) for _, value in options) or "default"
    if not isinstance(name, str) or not name.isprintable():
        raise DataError(f"{where}: name must be a text", hint='such as name = "tuned vLLM"')
    return Point(name, options, needs)


def _needs(table: dict[str, Any], where: str) -> Needs:
    """Remove the needs from a table and return them. Raise DataError if one is not allowed."""
    asked = {name: table.pop(name) for name in NEEDS if name in table}
    for name, value in asked.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_NEEDED:
            raise DataError(
                f"{where}: {name} = {value!r} is not allowed", hint="a number, such as num_gpus = 1"
            )
    return Needs(**asked)


def _options(table: Any, where: str) -> tuple[tuple[str, str | int | float | bool], ...]:
    if not isinstance(table, dict):
        raise DataError(f"{where} must be a table", hint="with a line for each option of `run`")
    for name, value in table.items():
        if not re.fullmatch(r"[a-z][a-z-]*", name) or name in RESERVED:
            raise DataError(
                f"{where}: {name!r} cannot be set in a plan",
                hint="use the long names of `sagellm-benchmark run --help`; the matrix itself sets "
                + ", ".join(RESERVED),
            )
        if not isinstance(value, str | int | float | bool):
            raise DataError(
                f"{where}: {name} must be a text, a number, true or false",
                hint="give each value a table of its own" if isinstance(value, list) else "fix that line",
            )
    return tuple(table.items())


def _check_stated_once(plan: Plan, path: Path) -> None:
    """Raise DataError if an option is stated on two axes, since it would be unclear which one counts."""
    stated = [{name for name, _ in plan.options}]
    stated += [{name for point in axis for name, _ in point.options} for axis in plan.axes]
    for place, names in enumerate(stated):
        if twice := sorted(names & set().union(*stated[:place], *stated[place + 1 :])):
            raise DataError(
                f"{path}: {twice[0]} is stated in two places", hint="leave it on one axis, or in [options]"
            )
