"""The world that documented lines are typed into."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documented import world
from tests.documented.world import Published, World


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return world.cloned(tmp_path_factory.mktemp("clone"))


@pytest.fixture
def here(tmp_path: Path, clone: Path) -> Iterator[World]:
    with world.world(tmp_path, clone) as found:
        yield found


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    return world.published(tmp_path_factory.mktemp("published"))
