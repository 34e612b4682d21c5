"""A Hub of our own for each test, and a token that may write to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sagellm_benchmark.hub.dataset import Hub
from sagellm_benchmark.hub.directory import Directory
from sagellm_benchmark.hub.retry import Pace
from sagellm_benchmark.hub.store import Store
from tests.fakes.hub_server import REPO, WRITER, HubServer
from tests.hub.support import SEEDED, Clock


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    for name in ("HF_ENDPOINT", "HF_OIDC_RESOURCE", "HF_HUB_OFFLINE", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_TOKEN", WRITER)
    with HubServer() as running:
        yield running


@pytest.fixture
def hub(server: HubServer) -> Hub:
    return Hub(REPO, endpoint=server.url, timeout_s=5.0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pace(clock: Clock) -> Pace:
    return Pace(attempts=8, sleep=clock.sleep, clock=lambda: clock.now, random=SEEDED)


@pytest.fixture(params=["hub", "directory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "hub":
        hub: Hub = request.getfixturevalue("hub")
        return hub
    return Directory(tmp_path / "shared")
