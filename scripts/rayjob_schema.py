"""Cut KubeRay's definition of a RayJob (1.4 MB) down to the fields that docs/cluster-rayjob.yaml uses.

    python scripts/rayjob_schema.py ray.io_rayjobs.yaml > tests/data/rayjob.schema.json

The file is ray-operator/config/crd/bases/ray.io_rayjobs.yaml of a release of https://github.com/ray-project/kuberay.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
KEPT = ("type", "enum", "minimum", "maximum", "minItems", "required")


def cut(schema: dict[str, Any], used: Any) -> dict[str, Any]:
    """Return what a schema says of the values used; a field that it does not know is an error, as is any other."""
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    found = {name: schema[name] for name in KEPT if name in schema}
    if isinstance(used, list):
        items = {name: value for one in used if isinstance(one, dict) for name, value in one.items()}
        found["items"] = cut(schema["items"], items or used[0])
    elif isinstance(used, dict) and (known := schema.get("properties")) is not None:
        found["properties"] = {name: cut(known[name], value) for name, value in used.items() if name in known}
        found["additionalProperties"] = False
    elif isinstance(used, dict) and "additionalProperties" in schema:
        found["additionalProperties"] = cut(schema["additionalProperties"], next(iter(used.values()), None))
    return found


def main() -> None:
    """Read the definition that is named, and print what is left of it."""
    (version,) = (
        one
        for one in yaml.safe_load(Path(sys.argv[1]).read_text())["spec"]["versions"]
        if one["name"] == "v1"
    )
    manifest = yaml.safe_load((ROOT / "docs/cluster-rayjob.yaml").read_text())
    print(json.dumps(cut(version["schema"]["openAPIV3Schema"], manifest), indent=1))


if __name__ == "__main__":
    main()
