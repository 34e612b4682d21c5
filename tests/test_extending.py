"""The drills of docs/extending.md: its own code, added as it says, and then at work."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest

import sagellm_benchmark
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
from tests.fakes.records import a_record
from tests.fakes.samples import closed_loop, sample
from tests.verdict.test_checks import evidence

DOCS = Path(__file__).parents[1] / "docs"
PACKAGE = Path(sagellm_benchmark.__file__).parent


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


def read_again(monkeypatch: pytest.MonkeyPatch, name: str, old: str = "", new: str = "") -> Any:
    """A module as it is with one line of its source replaced; those read later import this one."""
    module = types.ModuleType(f"sagellm_benchmark.{name}")
    source = (PACKAGE / f"{name.replace('.', '/')}.py").read_text()
    assert old in source
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(source.replace(old, new), module.__dict__)  # noqa: S102 - our own source
    return module


def test_both_languages_show_the_same_code() -> None:
    assert blocks("extending.md") == blocks("extending.zh-CN.md")


def test_an_engine_is_known_by_its_names_and_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    engine: Any = added("ENGINE")
    monkeypatch.setattr(registry, "engines", lambda: (*registry.OURS, engine))
    assert registry.find("Mine") == engine
    assert registry.owner("mine-inc") == engine
    command = filled(engine.launch.command, bin="/env/bin", model="M", host="127.0.0.1", port="8000")
    assert command == ["/env/bin/mine", "serve", "M", "--host", "127.0.0.1", "--port", "8000"]


def test_a_workload_is_one_line_that_is_measured_and_that_the_board_knows_by_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (line,) = re.findall(r"^WORKLOAD = (.+)$", (DOCS / "extending.md").read_text(), re.MULTILINE)
    scenarios = read_again(monkeypatch, "board.scenarios", "DOCUMENTED = {", f'DOCUMENTED = {{"Q9": {line},')
    (workload,) = read_again(monkeypatch, "workload.workloads").find("q9")
    assert workload.describe() == "Q9 20×(1024→32)"
    assert workload.concurrency == 4
    assert (scenarios.scenario("q9"), scenarios.scenario("", "a run of Q9")) == ("Q9", "Q9")
    assert scenarios.rightful_name("Q9", (1024, 32, 4)) == "Q9"
    assert scenarios.rightful_name("Q9", (1024, 32, 1)) == "custom"


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
