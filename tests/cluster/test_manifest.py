"""The Kubernetes manifest of docs/cluster.md."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
import yaml

from sagellm_benchmark.options.declare import parse
from sagellm_benchmark.options.run import RunOptions
from tests.house import ROOT

jsonschema = pytest.importorskip("jsonschema", reason="it comes with Ray: nox -s cluster")


@pytest.fixture
def manifest() -> Any:
    return yaml.safe_load((ROOT / "docs/cluster-rayjob.yaml").read_text())


def test_it_is_a_rayjob_with_a_token(manifest: Any) -> None:
    schema = json.loads((ROOT / "tests/data/rayjob.schema.json").read_text())
    assert [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(manifest)] == []


def test_it_asks_for_the_nodes_that_it_starts(manifest: Any) -> None:
    program, command, *words = shlex.split(manifest["spec"]["entrypoint"])
    options = parse(RunOptions, words)
    (group,) = manifest["spec"]["rayClusterSpec"]["workerGroupSpecs"]
    (container,) = group["template"]["spec"]["containers"]
    assert (program, command) == ("sagellm-benchmark", "run")
    assert options.client_nodes == group["replicas"]
    assert options.client_processes == int(container["resources"]["requests"]["cpu"])
