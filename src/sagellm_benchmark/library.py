"""The commands for Python: `from sagellm_benchmark import run, load, compare`. The commands are built on them."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any, Unpack, overload

import click

from sagellm_benchmark import outputs as folders
from sagellm_benchmark.client.terms import Progress
from sagellm_benchmark.errors import UsageError
from sagellm_benchmark.options.arguments import COMMAND_ONLY, RunArguments
from sagellm_benchmark.options.declare import flag, flags, parse
from sagellm_benchmark.options.run import RunOptions
from sagellm_benchmark.options.spec import run_spec
from sagellm_benchmark.options.values import Rate
from sagellm_benchmark.report import folder, html, sweep, table
from sagellm_benchmark.report.comparison import (
    comparison_markdown,
    open_side,
    render_comparison,
    sentence,
)
from sagellm_benchmark.report.terminal import render_terminal
from sagellm_benchmark.report.view import view
from sagellm_benchmark.runs import comparison, pipeline
from sagellm_benchmark.runs.context import HERE, Sender
from sagellm_benchmark.runs.listener import Listener
from sagellm_benchmark.runs.record import Config, Summary
from sagellm_benchmark.runs.spec import RunSpec
from sagellm_benchmark.verdict.compare import DETECT
from sagellm_benchmark.verdict.metrics import LATENCIES, METRICS
from sagellm_benchmark.verdict.stats import Distribution

_FRAME = (
    '<iframe srcdoc="{page}" sandbox style="width:100%;height:{height}px;border:0" title="{title}"></iframe>'
)


@dataclass(frozen=True, repr=False)
class Run(folder.Finished):
    """One finished run: its folder, its record and its figures."""

    @property
    def config(self) -> Config:
        """The configuration: what was measured, on which hardware, by which version of the tool."""
        return self.record.config

    @property
    def summary(self) -> Summary:
        """The results and the verdict."""
        return self.record.summary

    @property
    def valid(self) -> bool:
        """Whether the run passed its checks."""
        return self.summary.valid

    @property
    def reasons(self) -> tuple[str, ...]:
        """The reasons why the run is not valid; empty if it is."""
        return self.summary.reasons

    @property
    def figures(self) -> dict[str, float | None]:
        """Every metric by its name in the record, such as `throughput_tps`; None means not measured."""
        return {metric.name: self.summary.value(metric) for metric in METRICS}

    @property
    def latencies(self) -> dict[str, Distribution]:
        """`ttft_ms`, `itl_ms`, `tpot_ms`, `e2e_ms`: mean, p50, p90 and p99, in milliseconds."""
        return {latency.name: self.summary.latency(latency) for latency in LATENCIES}

    @cached_property
    def requests(self) -> table.Columns:
        """Every request, as columns by name: `pandas.DataFrame(run.requests)`, `polars.DataFrame(run.requests)`.

        Raises DataError if the folder has no requests, or damaged ones.
        """
        return table.of_folder(self.folder)

    def __repr__(self) -> str:
        said = view(self.record)
        return f"<Run {said.title}, {said.subject}: {said.verdict}, in {self.folder}>"

    def __str__(self) -> str:
        return click.unstyle(render_terminal(view(self.record)))

    def _repr_html_(self) -> str:
        """Return the report in a frame of its own, so that its style and the notebook's do not mix."""
        return _framed(html.render_html(view(self.record)), self.config.description, 640)


class Runs(Sequence[Run]):
    """The runs of one command, in the order in which they were measured."""

    def __init__(self, runs: Iterable[Run]) -> None:
        self._runs = tuple(runs)

    @overload
    def __getitem__(self, index: int) -> Run: ...
    @overload
    def __getitem__(self, index: slice) -> Runs: ...
    def __getitem__(self, index: int | slice) -> Run | Runs:
        return Runs(self._runs[index]) if isinstance(index, slice) else self._runs[index]

    def __len__(self) -> int:
        return len(self._runs)

    def __repr__(self) -> str:
        return f"<Runs {list(self._runs)!r}>"

    @property
    def valid(self) -> bool:
        """Whether all of them are valid."""
        return all(run.valid for run in self._runs)

    def _repr_html_(self) -> str:
        """Return one run's report, or the curves of several."""
        if len(self._runs) == 1:
            return self._runs[0]._repr_html_()
        page = sweep.render_sweep_page([run.record for run in self._runs])
        return _framed(page, f"{len(self._runs)} runs", 640)


@dataclass(frozen=True, repr=False)
class Comparison(comparison.Comparison):
    """One run beside another: the verdict, and every figure of both with its difference."""

    def __repr__(self) -> str:
        return f"<Comparison of A {self.a.name} with B {self.b.name}: {sentence(self)}>"

    def __str__(self) -> str:
        return click.unstyle(render_comparison(self))

    def _repr_markdown_(self) -> str:
        """Return the same as a notebook shows it."""
        return comparison_markdown(self)


def run(
    model: str | None = None,
    *,
    base_url: str | None = None,
    workload: str = "Q1",
    concurrency: int | Sequence[int] | None = None,
    rate: float | Rate | Sequence[float | Rate] | None = None,
    requests: int | None = None,
    slo: Mapping[str, float] | str | None = None,
    outputs: str | os.PathLike[str] = "outputs",
    listener: Listener | None = None,
    **more: Unpack[RunArguments],
) -> Runs:
    """Measure a model, as `sagellm-benchmark run` does, and return its runs; their files are written to `outputs`.

    `slo` gives milliseconds by metric, such as `{"ttft": 200}`. `rate` is in requests per second; `float("inf")` sends
    all at once, `Rate(2, 20)` ramps up from 2 to 20, and several make a sweep. `more` takes the other options by their
    names with underscores: `repeats=3`, `input_tokens=512`, `calibrate=False`. `listener` is told of the progress.

    Raises UsageError, DataError or RemoteError for what the command would refuse. A run that is not valid is returned
    like any other: see `valid` and `reasons`.
    """
    given: dict[str, Any] = {
        "model": model,
        "base_url": base_url,
        "workload": workload,
        "concurrency": concurrency,
        "rate": rate,
    }
    given |= {"requests": requests, "slo": slo, "outputs": os.fspath(outputs), **more}
    words = list(_words({name: value for name, value in given.items() if value is not None}))
    spec = run_spec(parse(RunOptions, words), ["run", *words], os.environ)
    found = Runs(measure(spec, listener or Silent()))
    folder.write_curves(found)
    return found


def measure(spec: RunSpec, listener: Listener, sender: Sender = HERE) -> Iterator[Run]:
    """Measure run by run; the files of each run are complete when it is yielded."""
    for measured in pipeline.run(spec, listener, sender):
        done = folder.save(measured.folder, measured.record)
        yield Run(done.folder, done.record, done.row)


def load(path: str | os.PathLike[str] | None = None) -> Run:
    """Open a finished run by its folder, or the newest one under outputs/. Raises DataError if there is none."""
    where = folders.newest(Path("outputs")) if path is None else Path(path)
    return Run(where, folder.load(where), folder.row_of(where))


def compare(
    first: Run | str | os.PathLike[str],
    *others: Run | str | os.PathLike[str],
    detect: float = DETECT,
    force: bool = False,
) -> list[Comparison]:
    """Compare each of the others with the first: faster, slower, or what it would take to tell.

    Takes runs, their folders, or files with a row. `detect` is the difference to be found, as a share: 0.05 is 5 %.
    Raises DataError if the runs did different work or are not valid, unless `force` is given.
    """
    if not others:
        raise UsageError("there is nothing to compare it with", hint="name two runs or more")
    a, *rest = [open_side(_path(one)) for one in (first, *others)]
    found = [comparison.compared(a, b, force=force, detect=detect) for b in rest]
    return [Comparison(**{each.name: getattr(one, each.name) for each in fields(one)}) for one in found]


class Silent:
    """A listener that prints nothing."""

    def say(self, text: str) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""

    def progress(self, label: str, progress: Progress) -> None:
        """Say nothing."""


def _path(run: Run | str | os.PathLike[str]) -> Path:
    return run.folder if isinstance(run, Run) else Path(run)


def _words(options: Mapping[str, Any]) -> Iterator[str]:
    """Yield the options as a command line states them, so that both are read, checked and recorded in one way."""
    for name, value in options.items():
        on, off = _flags(name)
        if value is True:
            yield on
        elif value is False:
            yield from [off] if off else []
        else:
            yield from (on, _text(name, value))


def _flags(name: str) -> tuple[str, str]:
    """Return the option of this name, and what turns it off."""
    if name in COMMAND_ONLY:
        raise UsageError(
            f"only the command takes {flag(RunOptions, name)}", hint="type `sagellm-benchmark run` with it"
        )
    if name not in {one.name for one in fields(RunOptions)} - {"given"}:
        raise UsageError(f"run has no option {name!r}", hint="see `sagellm-benchmark run --help`")
    return flags(RunOptions, name)


def _text(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return ",".join(f"{metric}={limit:g}ms" for metric, limit in value.items())
    if isinstance(value, Rate):
        return str(value)
    if isinstance(value, Iterable) and not isinstance(value, str):
        parts = [str(part) for part in value]
        return shlex.join(parts) if name.endswith(("engine_args", "launch")) else ",".join(parts)
    return str(value)


def _framed(page: str, title: str, height: int) -> str:
    return _FRAME.format(page=escape(page), title=escape(title), height=height)
