"""What every test shares."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator

import coverage
import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no failure: time limits are pytest's, not those of single examples.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", parent=settings.get_profile("house"), max_examples=20)  # of `make test`
settings.load_profile("house")

gc.disable()  # what is collected stays until the end: looking for garbage in it takes a third of the time


def pytest_collection_finish() -> None:
    """From here on garbage is collected, but what was collected as tests is not looked through again."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(wrapper=True, trylast=True)  # inside of what pytest-cov does about such a test
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Measure no child of a test that is not measured itself: noting lines doubles the time that Python takes."""
    with pytest.MonkeyPatch.context() as patch:
        if item.get_closest_marker("no_cover"):
            _stop_measuring_beneath()
            for name in [name for name in os.environ if name.startswith("COVERAGE_")]:
                patch.delenv(name)
        yield


def _stop_measuring_beneath() -> None:
    """Stop what else measures a worker, which would go on while pytest-cov pauses, and is not needed beside it."""
    while (beneath := coverage.Coverage.current()) is not None:
        beneath.stop()
