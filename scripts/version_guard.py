"""Fail when a second place states the project's version: `_version.py` is the only one that may.

`python scripts/version_guard.py [TREE]`; standard library only. CHANGELOG.md names past versions, and tests and
data may carry any version as content, so these are only held to not defining one.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

SOURCE = Path("src/sagellm_benchmark/_version.py")
NUMBER = r"\d+\.\d+\.\d+(?:\.\d+)?"

# What states a version of ours whatever its value, by the files that could hold it.
STATEMENTS = (
    (re.compile(r"\.(py|pyi)$"), re.compile(r"""^\s*(?:__version__|VERSION)\b[^=\n]*=\s*['"]""")),
    (re.compile(r"(^|/)setup\.(py|cfg)$"), re.compile(r"^\s*version\s*=")),
    (
        re.compile(r"(^|/)(CITATION\.cff|package\.json|codemeta\.json)$"),
        re.compile(r"""^\s*"?version"?\s*:"""),
    ),
    (re.compile(r"(^|/)VERSION(\.txt)?$"), re.compile(NUMBER)),
    (
        re.compile(r""),
        re.compile(rf"\bi?sagellm[-_]benchmark(?:\[[^\]]*\])?\s*(?:[=~<>!]=|[<>@]|/)?\s*v?{NUMBER}"),
    ),
    (re.compile(r""), re.compile(rf"badge/(?:version|release|pypi)-v?{NUMBER}")),
)
CONTENT = re.compile(r"^(CHANGELOG\.md$|tests/|hf_data/)")  # may mention any version


def problems(tree: Path) -> list[str]:
    """Every place in the git tree that states the version beside its one source, as `file:line: text`."""
    try:
        version = _stated((tree / SOURCE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return [f"{SOURCE}: missing"]
    if version is None:
        return [f'{SOURCE}: does not state the version exactly once as __version__ = "X.Y.Z"']
    found = _in_pyproject(tree)
    for name in _files(tree):
        if name != SOURCE.as_posix():
            found += _in_file(tree, name, version)
    return found


def tag_problem(tree: Path, environment: Mapping[str, str]) -> str | None:
    """Why the tag that a workflow runs for is not that of this version; None where it is, or there is no tag."""
    if environment.get("GITHUB_REF_TYPE") != "tag":
        return None
    wanted = f"v{_stated((tree / SOURCE).read_text(encoding='utf-8'))}"
    tag = environment.get("GITHUB_REF_NAME", "")
    return None if tag == wanted else f"the tag {tag!r} is not {wanted}, the version in {SOURCE}"


def _stated(text: str) -> str | None:
    stated = re.findall(rf'^__version__(?:: \w+)? = "({NUMBER})"$', text, re.MULTILINE)
    return stated[0] if len(stated) == 1 else None


def _in_pyproject(tree: Path) -> list[str]:
    """A built package's version must be read from the source, not stated."""
    project = tomllib.loads((tree / "pyproject.toml").read_text(encoding="utf-8"))
    found = []
    if "version" in project["project"] or "version" not in project["project"].get("dynamic", []):
        found.append("pyproject.toml: [project] must list version under dynamic, and not state it")
    if project.get("tool", {}).get("hatch", {}).get("version", {}).get("path") != SOURCE.as_posix():
        found.append(f"pyproject.toml: [tool.hatch.version] path must be {SOURCE}")
    return found


def _files(tree: Path) -> list[str]:
    """What git tracks or would track."""
    listing = ("git", "-C", str(tree), "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    answer = subprocess.run(listing, check=True, capture_output=True, text=True)
    return sorted({name for name in answer.stdout.split("\0") if name})


def _in_file(tree: Path, name: str, version: str) -> list[str]:
    patterns = [
        says for of, says in STATEMENTS if of.search(name) and not (CONTENT.match(name) and not of.pattern)
    ]
    if not CONTENT.match(name):
        # The number of this very release, unless it is a bound on some other package, or an action's.
        patterns.append(re.compile(rf"^(?!.*\buses:).*(?<![\w.=<>~!])v?{re.escape(version)}(?!\.?\w)"))
    try:
        lines = (tree / name).read_text(encoding="utf-8").splitlines()
    except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
        return []  # not text, deleted from the work tree, or a submodule
    return [
        f"{name}:{number}: {line.strip()[:100]}"
        for number, line in enumerate(lines, start=1)
        if any(pattern.search(line) for pattern in patterns)
    ]


def main(arguments: list[str]) -> int:
    """Print what was found; 0 when the source stands alone."""
    found = problems(Path(arguments[0] if arguments else "."))
    for place in found:
        print(place)
    if found:
        print(
            f"error: the version is stated in {SOURCE} and nowhere else; read it from there, or leave it out"
        )
        return 1
    if wrong := tag_problem(Path(arguments[0] if arguments else "."), os.environ):
        print(f"error: {wrong}; delete the tag, change one of the two, and tag again")
        return 1
    print(f"only {SOURCE} states the version")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
