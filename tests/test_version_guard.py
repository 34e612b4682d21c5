"""One place states the version; a second one is found wherever it hides."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.house import ROOT, clean_environment

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

GUARD = ROOT / "scripts/version_guard.py"
SOURCE = "src/sagellm_benchmark/_version.py"
PYPROJECT = f"""\
[project]
name = "isagellm-benchmark"
dynamic = ["version"]
dependencies = ["other>=4.5.6"]
[tool.hatch.version]
path = "{SOURCE}"
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    write(tmp_path, SOURCE, '__version__ = "4.5.6"\n')
    write(tmp_path, "pyproject.toml", PYPROJECT)
    write(tmp_path, "CHANGELOG.md", "## 4.5.6\n## 4.5.5\n")
    write(tmp_path, "README.md", "Install: pip install isagellm-benchmark\n")
    subprocess.run(("git", "init", "-q", tmp_path), check=True, env=clean_environment())
    return tmp_path


def write(tree: Path, name: str, text: str) -> None:
    (tree / name).parent.mkdir(parents=True, exist_ok=True)
    (tree / name).write_text(text)


def guard(tree: Path) -> tuple[int, str]:
    answer = subprocess.run(
        (sys.executable, GUARD, tree), capture_output=True, text=True, check=False, env=clean_environment()
    )
    return answer.returncode, answer.stdout


def test_the_source_alone_passes(tree: Path) -> None:
    assert guard(tree) == (0, f"only {SOURCE} states the version\n")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("setup.cfg", "[metadata]\nversion = 9.9.9\n"),
        ("setup.py", "setup(\n  version='9.9.9')\n"),
        ("CITATION.cff", "title: x\nversion: 9.9.9\n"),
        ("VERSION", "9.9.9\n"),
        ("src/sagellm_benchmark/other.py", '__version__ = "9.9.9"\n'),
        ("src/sagellm_benchmark/other.py", 'VERSION: str = "9.9.9"\n'),
        ("src/sagellm_benchmark/other.py", 'SENT = "sagellm-benchmark/9.9.9"\n'),
        ("tests/test_x.py", '__version__ = "9.9.9"\n'),
        ("README.md", "pip install isagellm-benchmark==9.9.9\n"),
        ("README.md", "pip install 'isagellm-benchmark[embedded]~=9.9.9'\n"),
        ("README.md", "![](https://img.shields.io/badge/version-9.9.9-blue)\n"),
        ("README.md", "This is release 4.5.6.\n"),
        ("docs/use.md", "$ sagellm-benchmark --version\nsagellm-benchmark 9.9.9\n"),
        (".github/workflows/x.yml", "run: echo v4.5.6\n"),
    ],
)
def test_a_second_place_is_named_with_file_and_line(tree: Path, name: str, text: str) -> None:
    write(tree, name, text)
    code, said = guard(tree)
    assert code == 1
    assert f"{name}:" in said


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements.txt", "other==4.5.6\nanother>=4.5.6\n"),
        ("README.md", "Other tools: 14.5.6, 4.5.60, 4.5.6.1, 1.4.5.6\n"),
        ("tests/data/rows.json", '[{"sagellm_version": "4.5.6"}]\n'),
        ("hf_data/leaderboard_single.json", '[{"sagellm_version": "4.5.6"}]\n'),
        ("src/sagellm_benchmark/other.py", "from sagellm_benchmark._version import __version__\n"),
        (".github/workflows/x.yml", "- uses: actions/checkout@0123 # v4.5.6\n"),
        ("picture.png", "\x89\n"),
    ],
)
def test_what_only_looks_alike_passes(tree: Path, name: str, text: str) -> None:
    write(tree, name, text)
    assert guard(tree)[0] == 0


def test_ignored_files_are_not_read(tree: Path) -> None:
    write(tree, ".gitignore", "outputs/\n")
    write(tree, "outputs/REPORT.md", "sagellm-benchmark 4.5.6\n")
    assert guard(tree)[0] == 0


def test_a_stated_version_in_pyproject_is_refused(tree: Path) -> None:
    write(tree, "pyproject.toml", PYPROJECT.replace('dynamic = ["version"]', 'version = "9.9.9"'))
    code, said = guard(tree)
    assert code == 1
    assert "pyproject.toml" in said


def test_a_build_that_reads_it_elsewhere_is_refused(tree: Path) -> None:
    write(tree, "pyproject.toml", PYPROJECT.replace(SOURCE, "VERSION.txt"))
    assert guard(tree)[0] == 1


@pytest.mark.parametrize(
    "text", ["", '__version__ = "4.5.6"\n__version__ = "4.5.7"\n', "__version__ = read()\n"]
)
def test_a_source_that_does_not_state_it_once_is_refused(tree: Path, text: str) -> None:
    write(tree, SOURCE, text)
    code, said = guard(tree)
    assert code == 1
    assert SOURCE in said


def test_a_missing_source_is_refused(tree: Path) -> None:
    (tree / SOURCE).unlink()
    assert guard(tree)[0] == 1
