from __future__ import annotations

import yaml

from sagellm_benchmark.hub.card import with_configs
from sagellm_benchmark.hub.viewer import COLUMNS

TABLES = {"single": "leaderboard_single.json", "multi": "leaderboard_multi.json"}
CONFIGS = [{"config_name": name, "data_files": file} for name, file in TABLES.items()]


def head(card: bytes) -> dict[str, object]:
    """The YAML head; every table of ours has the same schema, which is left out here."""
    value: dict[str, object] = yaml.safe_load(card.decode().split("---")[1])
    schemas = value.pop("dataset_info", [])
    assert isinstance(schemas, list)
    assert [one["config_name"] for one in schemas] in ([], ["single"], ["single", "multi"])
    assert all([column["name"] for column in one["features"]] == list(COLUMNS) for one in schemas)
    return value


def test_a_new_card_says_which_file_is_which_table() -> None:
    card = with_configs(None, TABLES)
    assert head(card) == {"configs": CONFIGS}
    assert b"# sageLLM" in card


def test_doing_it_again_changes_nothing() -> None:
    for card in (None, b"# my words\n", b"---\nlicense: mit\n---\nwords\n"):
        once = with_configs(card, TABLES)
        assert with_configs(once, TABLES) == once


def test_what_people_wrote_stays() -> None:
    card = b"---\nlicense: mit\ntags:\n- llm\n---\n# Ours\n\nwords  \n"
    written = with_configs(card, TABLES)
    assert head(written) == {"license": "mit", "tags": ["llm"], "configs": CONFIGS}
    assert written.endswith(b"---\n# Ours\n\nwords  \n")


def test_a_card_without_a_head_gets_one_and_keeps_its_words() -> None:
    written = with_configs("# 结果\n---\nwords\n".encode(), TABLES)
    assert head(written) == {"configs": CONFIGS}
    assert written.decode().endswith("---\n# 结果\n---\nwords\n")


def test_configs_and_schemas_that_people_wrote_are_left_alone() -> None:
    card = (
        b"---\nconfigs:\n- config_name: mine\n  data_files: x.json\ndataset_info:\n- config_name: mine\n---\n"
    )
    assert with_configs(card, TABLES) == card


def test_our_own_configs_follow_the_tables() -> None:
    card = with_configs(b"---\nlicense: mit\n---\nwords\n", {"single": "leaderboard_single.json"})
    written = with_configs(card.replace(b"mit", b"apache-2.0"), TABLES)
    assert head(written) == {"license": "apache-2.0", "configs": CONFIGS}
    assert written.endswith(b"---\nwords\n")


def test_a_card_that_is_not_text_is_left_alone() -> None:
    assert with_configs(b"\xff\xfe", TABLES) == b"\xff\xfe"
