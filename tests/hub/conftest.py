"""A Hub of our own for each test, and a token that may write to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sagellm_benchmark.hub.store import Hub
from tests.fakes.hub_server import REPO, WRITER, HubServer


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
