"""A matrix as a table: one line for all repeats of each engine, model, workload and load."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from statistics import median

from sagellm_benchmark.files import Document
from sagellm_benchmark.matrix.execute import Step
from sagellm_benchmark.matrix.ledger import Result
from sagellm_benchmark.matrix.plan import AXES, Cell
from sagellm_benchmark.report.markdown import table
from sagellm_benchmark.report.view import UNKNOWN, figure
from sagellm_benchmark.text import columns, duration, markdown, plain
from sagellm_benchmark.words import retold, t

HEAD = ("", "tokens/s", "lowest", "highest", "TTFT ms", "TPOT ms", "verdicts")


def render_results(results: Sequence[Result]) -> str:
    """Return the medians over the repeats of each combination, and the failures with their messages."""
    lines = columns(
        [tuple(map(retold, HEAD)), *(_line(names, group) for names, group in _grouped(results).items())]
    )
    if apart := _apart(results):
        lines += ["", f"  ⚠ {apart}"]
    failed = [result for result in results if result.failure is not None]
    if failed:
        lines += ["", *(f"  ✗ {_name(one.names)}: {plain(one.failure or '')}" for one in failed)]
    return "\n".join(lines)


def render_page(name: str, results: Sequence[Result]) -> str:
    """Return the results as Markdown, with a link to the report of each measurement."""
    lines = tuple(_line(names, group) for names, group in _grouped(results).items())
    cells = [f"- {markdown(_name(one.names))}, repeat {one.repeat + 1}: {_linked(one)}" for one in results]
    notes = [f"⚠ {apart}"] if (apart := _apart(results)) else []
    parts = [f"# {markdown(name)}", table(HEAD, lines), *notes, "## Measurements", "\n".join(cells)]
    return "\n\n".join(parts) + "\n"


def _linked(result: Result) -> str:
    """Return the verdict with a link to its report and the cluster's node; for a failure, its message."""
    where = "" if result.node is None else f", on {markdown(result.node)}"
    if result.folder is None:
        return f"{_verdict(result)}: {markdown(result.failure or '')}{where}"
    return f"[{_verdict(result)}](<{result.folder.replace('>', '%3E')}/REPORT.md>){where}"


def _apart(results: Sequence[Result]) -> str | None:
    """Return a note on how many comparisons have engines on different nodes; None if none has."""
    nodes: defaultdict[tuple[tuple[str, ...], int], set[str]] = defaultdict(set)
    for one in results:
        if one.node is not None:
            nodes[one.names[1:], one.repeat].add(one.node)
    count = sum(len(found) > 1 for found in nodes.values())
    if not count:
        return None
    return t(
        "{count} of {all} comparisons have engines on different nodes: the machines differ, too (REPORT.md says which)",
        count=count,
        all=len(nodes),
    )


def _grouped(results: Sequence[Result]) -> dict[tuple[str, ...], list[Result]]:
    """Return all repeats of each combination, by its names."""
    groups: defaultdict[tuple[str, ...], list[Result]] = defaultdict(list)
    for result in results:
        groups[result.names].append(result)
    return groups


def render_cells(cells: Sequence[Cell], done: Sequence[Result | None]) -> str:
    """Return the cells of a plan, and which of them are measured."""
    states = ["to do" if result is None else _verdict(result) for result in done]
    rows = [(plain(cell.label), cell.id, state) for cell, state in zip(cells, states, strict=True)]
    measured = len(cells) - states.count("to do") - states.count("failed")
    return "\n".join(
        [*columns([(t("cell"), "id", t("state")), *rows]), "", f"  {measured} of {len(cells)} measured"]
    )


def render_step(step: Step) -> str:
    """Return the line that is shown while a cell is measured."""
    left = "" if step.left_s is None else f", {duration(step.left_s)} to go"
    return f"{step.done + 1}/{step.total} {plain(step.cell.label)}{left}"


def as_data(results: Sequence[Result]) -> list[Document]:
    """Return the results as data."""
    return [dict(zip(AXES, one.names, strict=True)) | asdict(one) for one in results]


def _line(names: tuple[str, ...], group: list[Result]) -> tuple[str, ...]:
    rates = [one.throughput_tps for one in group if one.throughput_tps is not None]
    verdicts = [_verdict(one) for one in group]
    return (
        _name(names),
        figure(median(rates) if rates else None),
        figure(min(rates, default=None)),
        figure(max(rates, default=None)),
        figure(_median([one.ttft_ms for one in group])),
        figure(_median([one.tpot_ms for one in group]), digits=2),
        ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in dict.fromkeys(verdicts)),
    )


def _verdict(result: Result) -> str:
    if result.failure is not None:
        return "failed"
    return "VALID" if result.valid else "INVALID"


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _name(names: Sequence[str]) -> str:
    return plain(", ".join(filter(None, names))) or UNKNOWN
