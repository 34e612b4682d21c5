"""`make clean` removes what was installed, built and cached, and nothing that somebody measured."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sagellm_benchmark.engines import cache
from tests.house import ROOT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with everything in it, and a cache with dummy weights beside it."""
    files = {
        "checkout/.nox/app/bin/python": 3_000_000,
        "checkout/.make/ready": 10,
        "checkout/dist/x.whl": 2_000_000,
        "checkout/outputs/a/b/Q1_20260101_001/summary.json": 10,
        "checkout/hf_data/leaderboard_single.json": 10,
        "cache/sagellm-benchmark/dummy/Qwen2-7B-Q4_0.gguf": 5_000_000,
        f"cache/sagellm-benchmark/hub/{'0' * 64}": 1_000_000,
        f"cache/sagellm-benchmark/hub/{'1' * 64}": 1_000_000,
        "cache/sagellm-benchmark/engines/vllm-0.11/bin/python": 1_000_000,
    }
    for name, size in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
    scripts = tmp_path / "checkout" / "scripts"
    scripts.mkdir()
    shutil.copy(ROOT / "scripts" / "clean_local.py", scripts)
    return tmp_path / "checkout"


def clean(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "scripts/clean_local.py", *words],
        cwd=checkout,
        env=os.environ | {"XDG_CACHE_HOME": str(checkout.parent / "cache")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_everything_is_named_with_its_size_and_removed(checkout: Path) -> None:
    done = clean(checkout, "--yes")
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines() if " MB " in line]
    dummy = checkout.parent / "cache/sagellm-benchmark/dummy/Qwen2-7B-Q4_0.gguf"
    assert ["3.0", "MB", ".nox"] in lines
    assert ["5.0", "MB", str(dummy)] in lines
    assert ["2.0", "MB", str(checkout.parent / "cache/sagellm-benchmark/hub")] in lines
    assert lines[-1][:4] == ["13.0", "MB", "in", "all;"]
    assert sorted(path.name for path in checkout.iterdir()) == ["hf_data", "outputs", "scripts"]
    assert not dummy.exists()
    assert "nothing to remove" in clean(checkout, "--yes").stdout


def test_with_nobody_to_ask_nothing_is_removed(checkout: Path) -> None:
    done = clean(checkout)
    assert done.returncode == 2
    assert "make clean YES=1" in done.stderr
    assert (checkout / ".nox/app/bin/python").is_file()


def test_what_a_link_leads_to_stays(checkout: Path) -> None:
    elsewhere = checkout.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine").write_text("stays")
    shutil.rmtree(checkout / "dist")
    (checkout / "dist").symlink_to(elsewhere)
    assert clean(checkout, "--yes").returncode == 0
    assert (elsewhere / "mine").read_text() == "stays"
    assert not (checkout / "dist").is_symlink()


def test_it_looks_where_the_program_keeps_things(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(checkout.parent / "cache"))
    kept = cache.folder("dummy") / "Qwen2-7B-Q4_0.gguf"
    assert str(kept) in clean(checkout).stdout
