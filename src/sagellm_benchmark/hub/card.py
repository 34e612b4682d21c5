"""The dataset's card, which tells the Hub's viewer which file is which table. What people wrote in it is kept."""

from __future__ import annotations

from collections.abc import Mapping

from sagellm_benchmark.hub.viewer import features

_MARK = "  # kept by sagellm-benchmark; without this remark it is left alone"
_NEW = """---
{head}---

# sageLLM benchmark results

How fast LLM serving engines answer: one row per configuration, the best one measured. Published by
[sagellm-benchmark](https://github.com/intellistream/sagellm-benchmark), which never removes what it once accepted.

- `leaderboard_single.json`: one node
- `leaderboard_multi.json`: two nodes or more
- `viewer/`: both as flat tables with one schema, for `datasets.load_dataset(…, "single")`
- `submissions/`: every accepted row, beaten or not; the two boards can be rebuilt from them
  (`sagellm-benchmark rebuild --check`)
"""


def with_configs(card: bytes | None, tables: Mapping[str, str]) -> bytes:
    """Return the card with a viewer config and a schema for each table (`tables`: name → file), otherwise unchanged.

    A `configs:` or `dataset_info:` that people wrote stays as it is, and so does a card that is not UTF-8.
    """
    ours = {"configs:": _configs(tables), "dataset_info:": _schemas(tables)}
    if card is None:
        return _NEW.format(head="".join(ours.values())).encode()
    try:
        text = card.decode()
    except UnicodeDecodeError:
        return card
    lines = text.splitlines(keepends=True)
    end = next((at for at, line in enumerate(lines[1:], 1) if line.rstrip() == "---"), 0)
    if not end or lines[0].rstrip() != "---":
        return f"---\n{''.join(ours.values())}---\n{text}".encode()
    front = lines[:end]
    for key, block in ours.items():
        front = _front(front, key, block)
    return "".join([*front, *lines[end:]]).encode()


def _front(lines: list[str], key: str, ours: str) -> list[str]:
    """Return the lines of the YAML head with our block in it, unless somebody else wrote one under that key."""
    start = next((at for at, line in enumerate(lines) if line.startswith(key)), None)
    if start is None:
        return [*lines, ours]
    if not lines[start].rstrip().endswith(_MARK.strip()):
        return lines
    stop = start + 1
    while stop < len(lines) and lines[stop].startswith((" ", "-")):
        stop += 1
    return [*lines[:start], ours, *lines[stop:]]


def _configs(tables: Mapping[str, str]) -> str:
    head = f"configs:{_MARK}\n"
    each = (f"  - config_name: {name}\n    data_files: {file}\n" for name, file in tables.items())
    return head + "".join(each)


def _schemas(tables: Mapping[str, str]) -> str:
    return f"dataset_info:{_MARK}\n" + "".join(line for name in tables for line in features(name, "  "))
