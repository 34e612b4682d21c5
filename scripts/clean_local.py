"""Remove what this project installed, built and cached on this machine; what was measured and submitted stays.

Needs nothing but Python, as it removes everything else, the environment that runs it included.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
INSTALLED = (".nox", ".make")
BUILT = ("dist", "build", "site", "htmlcov", "coverage.xml", ".coverage", "ci-report.md")
NAMELESS = ("hub",)  # of the cache: what is in it is called by a hash, and tells nobody anything
CACHES = (".mypy_cache", ".ruff_cache", ".pytest_cache", ".import_linter_cache", ".hypothesis")


def cache(environ: os._Environ[str] | dict[str, str] = os.environ) -> Path:
    """Where dummy weights, the default model's weights and engines' environments are kept between runs."""
    root = environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "sagellm-benchmark"


def found(root: Path, kept: Path) -> Iterator[Path]:
    """What there is to remove, a file or a folder each; of the cache, each model and environment by its name."""
    for name in (*INSTALLED, *BUILT, *CACHES):
        if os.path.lexists(root / name):
            yield root / name
    for kind in sorted(kept.iterdir()) if kept.is_dir() else ():
        named = kind.is_dir() and not kind.is_symlink() and kind.name not in NAMELESS
        yield from sorted(kind.iterdir()) if named else [kind]


def size(path: Path) -> int:
    """Bytes on disk; what is linked to is not ours, and what is linked twice takes its room once."""
    if path.is_symlink() or path.is_file():
        return path.lstat().st_size
    seen: dict[tuple[int, int], int] = {}
    for folder, _, files in os.walk(path):
        for name in files:
            stat = os.lstat(os.path.join(folder, name))  # noqa: PTH118 - a hundred thousand of them
            seen[stat.st_dev, stat.st_ino] = stat.st_size
    return sum(seen.values())


def remove(path: Path) -> None:
    """Remove a file, a link, or a folder with all that is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def main(words: list[str] | None = None) -> int:
    """Name everything with its size, ask, and remove it."""
    parser = argparse.ArgumentParser(prog="make clean", description=__doc__)
    parser.add_argument("--yes", action="store_true", help="remove without asking")
    given = parser.parse_args(words)
    there = {path: size(path) for path in found(ROOT, cache())}
    if not there:
        print("there is nothing to remove")
        return 0
    for path, bytes_ in there.items():
        print(f"{bytes_ / 1e6:12,.1f} MB  {path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}")
    print(f"{sum(there.values()) / 1e6:12,.1f} MB  in all; outputs/ and hf_data/ stay")
    if not given.yes and not agreed():
        return 2
    for path in there:
        remove(path)
    print("removed; the next make installs again what it needs")
    return 0


def agreed() -> bool:
    """Ask; with nobody there to answer, say how to go on."""
    if not sys.stdin.isatty():
        print("next: make clean YES=1, as nobody is there to be asked", file=sys.stderr)
        return False
    return input("Remove all of this? [y/N] ").strip().lower() in {"y", "yes"}


if __name__ == "__main__":
    sys.exit(main())
