"""The drills of docs/extending.md: its own code, added as it says, and then at work."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from sagellm_benchmark.board import schema
from sagellm_benchmark.engines import registry
from sagellm_benchmark.engines.launch import filled
from sagellm_benchmark.machine import hardware
from sagellm_benchmark.machine.host import driver_versions
from sagellm_benchmark.machine.variant import variant
from sagellm_benchmark.report.terminal import render_terminal
from sagellm_benchmark.report.view import view
from sagellm_benchmark.runs.row import build
from sagellm_benchmark.verdict.checks import CHECKS, judge
from sagellm_benchmark.verdict.metrics import METRICS
from sagellm_benchmark.workload.workloads import WORKLOADS, find
from tests.fakes.records import a_record
from tests.fakes.samples import closed_loop, sample
from tests.verdict.test_checks import evidence

DOCS = Path(__file__).parents[1] / "docs"


def blocks(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)


def added(name: str) -> Any:
    """The value that a block of the page defines under this name."""
    (code,) = [block for block in blocks("extending.md") if re.search(rf"^{name} = ", block, re.MULTILINE)]
    module = types.ModuleType("drill")
    sys.modules[module.__name__] = module  # where dataclasses look for their annotations
    try:
        exec(code, module.__dict__)  # noqa: S102 - our own page
    finally:
        del sys.modules[module.__name__]
    return getattr(module, name)


def test_both_languages_show_the_same_code() -> None:
    assert blocks("extending.md") == blocks("extending.zh-CN.md")


def test_an_engine_is_known_by_its_names_and_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    engine: Any = added("ENGINE")
    monkeypatch.setattr(registry, "engines", lambda: (*registry.OURS, engine))
    assert registry.find("Mine") == engine
    assert registry.owner("mine-inc") == engine
    command = filled(engine.launch.command, bin="/env/bin", model="M", host="127.0.0.1", port="8000")
    assert command == ["/env/bin/mine", "serve", "M", "--host", "127.0.0.1", "--port", "8000"]


def test_a_workload_is_found_by_its_name() -> None:
    workload = added("WORKLOAD")
    assert find("q9", {**WORKLOADS, workload.name: workload}) == (workload,)


def test_a_metric_is_shown_and_in_a_row_that_keeps_to_the_contract() -> None:
    declared = (*METRICS, added("METRIC"))
    record = a_record(declared=declared)
    row = build(record, declared)
    assert row is not None
    assert round(row["metrics"]["longest_gap_ms"], 6) == 10.0
    assert schema.problems(row) == []
    assert "longest gap" in render_terminal(view(record, declared))


def test_a_check_speaks_against_a_run_or_says_what_it_could_not_see() -> None:
    checks = (*CHECKS, added("CHECK"))
    assert "an answer took 99 s; ask for shorter ones" in judge(evidence([sample(ttft=98.9)]), checks).reasons
    nothing = judge(evidence(closed_loop(0)), checks)
    assert "length of answers in time: nothing was answered" in nothing.not_checked


def test_a_makers_chips_are_described_and_its_versions_recorded() -> None:
    maker = added("MAKER")
    assert variant([maker]) == "cpu"
    assert driver_versions([maker]).driver == "1.0"
    with maker.opened() as driver:
        found = hardware.of_chips(maker.vendor, driver.chips(), "None")
    assert (found.vendor, found.chip_model, found.memory_per_chip_gb) == ("Other", "Abacus 3", 4.0)
