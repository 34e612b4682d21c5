"""`kubectl apply` of docs/cluster.md, by the real kubectl, at a server that knows RayJobs and takes one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.documented.lines import run_by
from tests.house import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.no_cover,
    pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl"),
]

GROUP = {"groupVersion": "ray.io/v1", "version": "v1"}
KIND = {"group": "ray.io", "version": "v1", "kind": "RayJob"}
CHECKED = {"name": "fieldValidation", "in": "query"}  # tells kubectl that the server checks the fields
JOBS = "/apis/ray.io/v1/namespaces/{namespace}/rayjobs"
KNOWN: dict[str, Any] = {
    "/api": {"kind": "APIVersions", "versions": []},
    "/apis": {
        "kind": "APIGroupList",
        "groups": [{"name": "ray.io", "versions": [GROUP], "preferredVersion": GROUP}],
    },
    "/apis/ray.io/v1": {
        "kind": "APIResourceList",
        "groupVersion": "ray.io/v1",
        "resources": [
            {"name": "rayjobs", "namespaced": True, "kind": "RayJob", "verbs": ["create", "get", "patch"]}
        ],
    },
    "/openapi/v3": {"paths": {"apis/ray.io/v1": {"serverRelativeURL": "/openapi/v3/apis/ray.io/v1"}}},
    "/openapi/v3/apis/ray.io/v1": {
        "openapi": "3.0.0",
        "info": {"title": "RayJobs", "version": "1"},
        "paths": {JOBS: {"patch": {"x-kubernetes-group-version-kind": KIND, "parameters": [CHECKED]}}},
    },
}
NOT_FOUND = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}


class Kubernetes(ThreadingHTTPServer):
    """What was created, by its address."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.created: dict[str, Any] = {}


class _Handler(BaseHTTPRequestHandler):
    server: Kubernetes

    def do_GET(self) -> None:
        known = KNOWN.get(self.path.partition("?")[0])
        self._answer(200 if known else 404, known or NOT_FOUND)

    def do_POST(self) -> None:
        value = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.created[self.path] = value
        self._answer(201, value)

    def _answer(self, code: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def kubernetes() -> Iterator[Kubernetes]:
    with Kubernetes() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_the_job_is_created_as_the_file_says(kubernetes: Kubernetes, tmp_path: Path) -> None:
    (line,) = run_by(__file__)
    config = {
        "kind": "Config",
        "clusters": [{"name": "a", "cluster": {"server": f"http://127.0.0.1:{kubernetes.server_port}"}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": ""}}],
        "current-context": "a",
    }
    (tmp_path / "config").write_text(json.dumps(config))
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "KUBECONFIG": str(tmp_path / "config")}
    done = subprocess.run(
        ("bash", "-c", line.text), cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    ((path, created),) = kubernetes.created.items()
    assert path.startswith("/apis/ray.io/v1/namespaces/default/rayjobs?")
    assert "fieldValidation=Strict" in path
    assert created["spec"] == yaml.safe_load((ROOT / "docs/cluster-rayjob.yaml").read_text())["spec"]
