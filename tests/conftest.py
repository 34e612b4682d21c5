"""What every test shares."""

from __future__ import annotations

import gc
import importlib
import os
import pkgutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager, nullcontext, suppress

import coverage
import pytest
from hypothesis import HealthCheck, settings

import sagellm_benchmark
from sagellm_benchmark.blas import start_no_threads
from tests.dealing import dealt, kind_of
from tests.forked import leave_children_unmeasured

# A busy machine is no failure: time limits are pytest's, not those of single examples.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", parent=settings.get_profile("house"), max_examples=20)  # of `make test`
settings.load_profile("house")

start_no_threads()

gc.disable()  # what is collected stays until the end: looking for garbage in it takes a third of the time


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Measure no more of the collection than what the package does when it is imported: the rest takes seconds."""
    if session.config.pluginmanager.has_plugin("dsession"):  # the workers collect
        return (yield)
    if os.environ.get("PYTEST_XDIST_WORKER", "gw0") == "gw0" and coverage.Coverage.current() is not None:
        _import_everything()  # one worker is enough
    measuring = _stop_measuring()
    try:
        return (yield)
    finally:
        if measuring:
            measuring[0].start()


def pytest_collection_finish() -> None:
    """From here on garbage is collected, but what was collected as tests is not looked through again."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Measure no law, as it runs lines again and again that examples beside it run once; and deal tests to workers."""
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker("no_cover")
    if (workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))) > 1:
        items[:] = dealt(items, workers, kind_of)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Measure nothing of a test that is not measured, and the children only of tests that say so.

    Noting lines doubles the time that Python takes.
    """
    unmeasured = _unmeasured(item.config) if item.get_closest_marker("no_cover") else nullcontext()
    with unmeasured, pytest.MonkeyPatch.context() as patch:
        if not item.get_closest_marker("with_children"):
            leave_children_unmeasured(patch)
        return (yield)


@contextmanager
def _unmeasured(config: pytest.Config) -> Iterator[None]:
    """Measure nothing in the block, not even fixtures, which pytest-cov measures of such a test, too."""
    plugin = config.pluginmanager.getplugin("_cov")
    controller = plugin and plugin.cov_controller
    if not controller:
        yield
        return
    controller.pause()
    _stop_measuring()
    try:
        yield
    finally:
        if not controller.started:  # as it is after the test itself
            controller.resume()


def _stop_measuring() -> list[coverage.Coverage]:
    """Stop all that measures a worker, and return it: pytest-cov's own first, beside which no other is needed."""
    stopped = []
    while (current := coverage.Coverage.current()) is not None:
        current.stop()
        stopped.append(current)
    return stopped


def _import_everything() -> None:
    for module in pkgutil.walk_packages(sagellm_benchmark.__path__, f"{sagellm_benchmark.__name__}."):
        if not module.name.endswith("__main__"):
            with suppress(ImportError):  # of an extra that is not installed
                importlib.import_module(module.name)
