"""The drill: a new engine is one value, offered by a package of its own, and everything works with it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sagellm_benchmark.engines import registry
from sagellm_benchmark.errors import UsageError
from tests import command
from tests.fakes.openai_server import Script, serving

TOY = """
from sagellm_benchmark.engines.api import Api
from sagellm_benchmark.engines.base import Ask, Card, Engine, MetricNames, SelfReport, Server


def describe(ask: Ask, card: Card) -> SelfReport:
    return SelfReport(version=ask("/version").get("version"), context_length=4096)


def tokenize(server: Server, api: Api, text: str) -> int:
    return len(text.split())


TOY = Engine(
    name="toy",
    owners=("toys-inc",),
    describe=describe,
    tokenize=tokenize,
    metrics=MetricNames(prefix="toy", used_tokens=("toy_tokens_in_use",)),
)
"""


def package(folder: Path, module: str, value: str) -> Path:
    """An installed package that offers `value` of its module `toy_engine` as an engine."""
    info = folder / "toy_engine-1.dist-info"
    info.mkdir(parents=True)
    (folder / "toy_engine.py").write_text(module)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-engine\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[{registry.GROUP}]\ntoy = toy_engine:{value}\n")
    return folder


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A registry that looks again at what is installed, before and after."""
    registry.engines.cache_clear()
    yield monkeypatch
    registry.engines.cache_clear()
    sys.modules.pop("toy_engine", None)


def test_an_engine_of_another_package_is_found_by_its_names(
    fresh: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fresh.syspath_prepend(str(package(tmp_path, TOY, "TOY")))
    toy = registry.find("Toy")
    assert toy is not None
    assert toy is registry.owner("toys-inc")
    assert registry.engines() == (*registry.OURS, toy)


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("TOY = 7", "is not an Engine"),
        ("", "cannot be loaded"),
        ("import no_such_module", "cannot be loaded"),
    ],
)
def test_what_is_no_engine_is_named_with_a_way_out(
    fresh: pytest.MonkeyPatch, tmp_path: Path, module: str, words: str
) -> None:
    fresh.syspath_prepend(str(package(tmp_path, module, "TOY")))
    with pytest.raises(UsageError, match=words) as caught:
        registry.engines()
    assert "toy_engine" in str(caught.value.hint) + caught.value.message


@pytest.mark.slow
def test_a_new_engine_is_recognised_counted_and_watched_in_a_run(tmp_path: Path) -> None:
    toys = package(tmp_path / "site", TOY, "TOY")
    script = Script(
        owned_by="toys-inc",
        version="7.1",
        usage=False,
        tokenizer=False,
        itl_s=0.001,
        metrics="toy:tokens_in_use 99\n",
    )
    path = os.pathsep.join([str(toys), os.environ.get("PYTHONPATH", "")])
    with serving(script) as server:
        done = command.run(
            "run",
            "--no-calibrate",
            "--base-url",
            server.base_url,
            "--json",
            cwd=tmp_path,
            env={"PYTHONPATH": path},
        )
    assert done.returncode == 0, done.stderr
    (folder,) = [path for path in tmp_path.glob("outputs/toy/*/*") if path.name != "latest"]
    assert '"toy"' in (folder / "config.json").read_text()
    assert '"7.1"' in (folder / "config.json").read_text()
    summary = (folder / "summary.json").read_text()
    assert '"kv_used_tokens": 99' in summary
    assert '"output_tokens": 320' in summary


def test_names_are_unique() -> None:
    words = [word for one in registry.OURS for word in {one.name.lower(), *one.owners}]
    assert len(words) == len(set(words))


def test_an_engine_is_named_in_its_own_module_and_nowhere_else() -> None:
    """But for the board, whose contract says which engine old rows mean, and for Python packages of the same name."""
    source = Path(registry.__file__).parents[1]
    texts = {path.relative_to(source): path.read_text() for path in source.rglob("*.py")}
    others = {
        path: text for path, text in texts.items() if path.parts[0] != "board" and path.name != "packages.py"
    }
    for engine in registry.OURS:
        naming = [path.parent for path, text in others.items() if f'"{engine.name}"' in text]
        assert naming == [Path("engines/known")]
