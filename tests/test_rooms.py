"""What one package hands to another has a type; `Row` and `Document` name what other people wrote, or will read."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.house import ROOT

SRC = ROOT / "src" / "sagellm_benchmark"
UNTYPED = re.compile(r"(dict|Mapping)\[str, (Any|object)\]")


def room(module: Path) -> str:
    """The package that a module stands in; one at the top is a room of its own."""
    return module.relative_to(SRC).parts[0]


def public(body: list[ast.stmt]) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    """The functions and classes of a module, or the methods of a class, that others may use."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node


def signature(node: ast.FunctionDef | ast.ClassDef) -> Iterator[str]:
    """The annotations of a function's parameters and result, or of a class's fields and methods."""
    if isinstance(node, ast.FunctionDef):
        yield ast.unparse(node.args)
        yield ast.unparse(node.returns) if node.returns else ""
        return
    yield from (ast.unparse(one.annotation) for one in node.body if isinstance(one, ast.AnnAssign))
    for method in public(node.body):
        yield from signature(method)


def untyped(source: str) -> list[str]:
    """The public names of a module whose annotations hold a dict of anything."""
    if not UNTYPED.search(source):
        return []
    return [
        node.name
        for node in public(ast.parse(source).body)
        if any(UNTYPED.search(one) for one in signature(node))
    ]


def uses(source: str, module: Path, name: str) -> bool:
    """Whether a module imports the name, by itself or with its module."""
    *parents, last = module.relative_to(SRC.parent).with_suffix("").parts
    package = ".".join(parents)
    if package not in source or name not in source:
        return False
    direct = re.search(rf"^from {package}\.{last} import [^)]*?\b{name}\b", source, re.MULTILINE)
    whole = re.search(rf"^ *from {package} import .*\b{last}\b", source, re.MULTILINE)
    return bool(direct or (whole and re.search(rf"\.{name}\b", source)))


def test_no_dict_of_anything_crosses_from_one_package_to_another() -> None:
    sources = {path: path.read_text(encoding="utf-8") for path in SRC.rglob("*.py")}
    found = {
        f"{module.relative_to(SRC)}: {name}, in {other.relative_to(SRC)}"
        for module, source in sources.items()
        for name in untyped(source)
        for other, text in sources.items()
        if room(other) != room(module) and uses(text, module, name)
    }
    assert found == set()


def test_what_crosses_would_be_found() -> None:
    module = SRC / "machine" / "hardware.py"
    source = "def read() -> dict[str, Any]: ...\ndef _mine() -> dict[str, Any]: ...\ndef host() -> Host: ..."
    importer = "from sagellm_benchmark.machine import hardware\nx = hardware.read()"
    assert untyped(source) == ["read"]
    assert uses(importer, module, "read")
    assert uses(
        "from sagellm_benchmark.machine.hardware import (\n    Hardware,\n    read,\n)", module, "read"
    )
    assert not uses("from sagellm_benchmark.machine.hardware import Hardware", module, "read")
