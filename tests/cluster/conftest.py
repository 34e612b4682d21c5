"""A cluster of two nodes, for the tests of a module together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cluster.simulated import Machines


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    from tests.cluster.simulated import two_nodes  # noqa: PLC0415 - needs Ray, as not all tests beside this do

    with two_nodes(tmp_path_factory.mktemp("ray") / "log") as found:
        yield found
