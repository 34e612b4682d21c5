"""The Kubernetes manifest of docs/cluster.md, held against KubeRay's own definition of a RayJob.

tests/data/rayjob.schema.json is what scripts/rayjob_schema.py keeps of KubeRay's commit feeaf72 (2026-08-19).
"""

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


@pytest.fixture
def schema() -> Any:
    return jsonschema.Draft202012Validator(json.loads((ROOT / "tests/data/rayjob.schema.json").read_text()))


def test_kuberay_knows_every_field_of_it(manifest: Any, schema: Any) -> None:
    assert (manifest["apiVersion"], manifest["kind"]) == ("ray.io/v1", "RayJob")
    assert [error.message for error in schema.iter_errors(manifest)] == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("spec",), ("entrypiont", "ray"), "'entrypiont' was unexpected"),
        (("spec", "rayClusterSpec", "authOptions"), ("mode", "tokens"), "'tokens' is not one of"),
        (("spec",), ("backoffLimit", "none"), "'none' is not of type 'integer'"),
    ],
)
def test_a_slip_in_it_would_be_found(
    manifest: Any, schema: Any, path: tuple[str, ...], value: tuple[str, str], said: str
) -> None:
    place = manifest
    for name in path:
        place = place[name]
    place |= [value]
    (error,) = schema.iter_errors(manifest)
    assert said in error.message


def test_its_cluster_asks_for_a_token(manifest: Any) -> None:
    assert manifest["spec"]["rayClusterSpec"]["authOptions"] == {"mode": "token"}


def test_it_asks_for_the_nodes_that_it_starts(manifest: Any) -> None:
    program, command, *words = shlex.split(manifest["spec"]["entrypoint"])
    options = parse(RunOptions, words)
    (group,) = manifest["spec"]["rayClusterSpec"]["workerGroupSpecs"]
    (container,) = group["template"]["spec"]["containers"]
    assert (program, command) == ("sagellm-benchmark", "run")
    assert options.client_nodes == group["replicas"]
    assert options.client_processes == int(container["resources"]["requests"]["cpu"])


def test_its_report_is_written_where_it_stays(manifest: Any) -> None:
    _, _, *words = shlex.split(manifest["spec"]["entrypoint"])
    pod = manifest["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]
    (mounted,) = pod["containers"][0]["volumeMounts"]
    (volume,) = pod["volumes"]
    assert str(parse(RunOptions, words).outputs) == mounted["mountPath"]
    assert mounted["name"] == volume["name"]
    assert "persistentVolumeClaim" in volume
