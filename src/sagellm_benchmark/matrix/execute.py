"""Measures what a ledger does not have yet, one cell after the other; a cell that fails does not stop the others."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import orjson

from sagellm_benchmark.children import Patience, child
from sagellm_benchmark.errors import Exit
from sagellm_benchmark.matrix.ledger import Ledger, Result
from sagellm_benchmark.matrix.plan import Cell

_PATIENCE = Patience(closed_s=40.0)  # for a run to end cleanly, its engine included
_SAID_CHARS = 500


@dataclass(frozen=True, slots=True)
class Step:
    """Where a matrix is: the cell that begins, how many are done of all, and what is left if it goes on like this."""

    cell: Cell
    done: int
    total: int
    left_s: float | None


def measure(cells: Sequence[Cell], ledger: Ledger, hear: Callable[[Step], None]) -> list[Result]:
    """Measure every cell that has no result, and give the results of all, in the cells' order.

    Raises KeyboardInterrupt on Ctrl-C, with every finished cell kept, and ConflictError while another start measures.
    """
    with ledger.held():
        results = [ledger.done(cell) for cell in cells]
        todo = [place for place, result in enumerate(results) if result is None]
        began = time.monotonic()
        for count, place in enumerate(todo):
            left_s = (time.monotonic() - began) / count * (len(todo) - count) if count else None
            hear(Step(cells[place], len(cells) - len(todo) + count, len(cells), left_s))
            result = _measure(cells[place], ledger)
            ledger.finish(result)
            results[place] = result
    return [result for result in results if result is not None]


def _measure(cell: Cell, ledger: Ledger) -> Result:
    """Run one cell; what it says goes through files, so that nobody has to read while it runs."""
    outputs = ledger.begin(cell)
    words = ("run", *cell.words, f"--output-dir={outputs}", "--json")
    command = (sys.executable, "-m", "sagellm_benchmark.matrix.child", *words)
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complaint:
        with child(command, output=said, errors=complaint, patience=_PATIENCE) as running:
            code = running.process.wait()
        said.seek(0)
        complaint.seek(0)
        blank = Result(cell.id, cell.names, cell.repeat, cell.words, None, None, None, None, None, None, None)
        if code in (Exit.DONE, Exit.INVALID_RUN):
            return _with_figures(blank, said.read(), ledger.root)
        text = " ".join(complaint.read().decode("utf-8", "replace").split())[-_SAID_CHARS:]
    return replace(blank, failure=text or f"it ended with {code} and said nothing")


def _with_figures(blank: Result, said: bytes, root: Path) -> Result:
    """Return the result that a run printed as JSON; it is one run, as a cell is one measurement."""
    try:
        (run,) = orjson.loads(said)
        summary = run["summary"]
        return replace(
            blank,
            valid=bool(summary["valid"]),
            folder=os.path.relpath(run["folder"], root),
            throughput_tps=summary["throughput_tps"],
            ttft_ms=summary["ttft_ms"]["mean"],
            tpot_ms=summary["tpot_ms"]["mean"],
            error_rate=summary["error_rate"],
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        return replace(blank, failure=f"it printed no result of one run ({type(error).__name__})")
