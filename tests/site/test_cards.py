from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given

from sagellm_benchmark.board.entry import Entry, Place
from sagellm_benchmark.board.standing import Tier
from sagellm_benchmark.site.cards import against, cards
from sagellm_benchmark.site.gather import Board
from tests.board.boards import BOARDS
from tests.fakes.rows import new_row
from tests.site import boards


def one(**changes: Any) -> dict[str, Any]:
    (card,) = cards(boards.of(new_row(**changes)))
    return card


def test_a_card_says_what_the_columns_show() -> None:
    card = one(hardware__chip_count=2, metrics__tpot_ms=12.5)
    assert (card["engine"], card["version"], card["model"]) == ("llama.cpp", "b6000", "Qwen/Qwen2-7B")
    assert (card["hardware"], card["workload"], card["load"]) == ("NVIDIA A100 80GB PCIe ×2", "Q1 32→64", "1")
    assert (card["per_chip"], card["per_user"], card["date"]) == (38.5, 80, "2026-11-20 08:00")
    assert (card["tier"], card["weights"], card["rank"], card["peers"]) == ("claimed", "real", 1, 1)


@pytest.mark.parametrize(
    ("rate", "arrival", "burstiness", "said"),
    [
        (4, "poisson", 1, "4/s"),
        (2.0, "poisson", 1.0, "2/s"),
        (2.5, "poisson", 1, "2.5/s"),
        (4, "gamma", 0.5, "4/s gamma 0.5"),
        (4, "constant", None, "4/s constant"),
    ],
)
def test_a_load_is_said_as_people_say_it(rate: float, arrival: str, burstiness: Any, said: str) -> None:
    load = {"workload__request_rate": rate, "workload__arrival": arrival, "workload__burstiness": burstiness}
    assert one(workload__name="custom", workload__concurrent_requests=None, **load)["load"] == said


def test_what_a_row_does_not_state_is_none_and_not_zero() -> None:
    card = one(metrics__tbt_ms=None, metrics__tpot_ms=None, metrics__error_rate=0.0)
    assert (card["tbt"], card["per_user"], card["low"]) == (None, None, None)
    assert card["errors"] == 0


@pytest.mark.parametrize(
    ("said", "tier"),
    [
        ({}, "claimed"),
        ({"evidence": {"sha256": "0" * 64}}, "claimed"),  # so it says
        ({"metadata__verified": True}, "verified"),
    ],
)
def test_a_row_alone_is_worth_its_word_or_the_maintainers_mark(said: dict[str, Any], tier: str) -> None:
    assert one(**said)["tier"] == tier


@pytest.mark.parametrize("tier", Tier)
def test_the_tier_is_what_the_dataset_knows(tier: Tier) -> None:
    entry = Entry.of(new_row())._replace(place=Place(tier=tier))
    (card,) = cards(Board.of([entry]))
    assert card["tier"] == tier.name.lower()
    assert f"tier_{card['tier']}:" in files("sagellm_benchmark.site").joinpath("assets/words.js").read_text()


def test_a_row_that_fails_todays_checks_stays_with_its_reasons_and_without_a_rank() -> None:
    slow, impossible = new_row(engine="slow"), new_row(engine="fast", metrics__throughput_tps=5_000.0)
    found = {card["engine"]: card for card in cards(boards.of(slow, impossible))}
    assert found["fast"]["rank"] is None
    assert "streams" in found["fast"]["against"][0]
    assert (found["slow"]["rank"], found["slow"]["peers"], found["slow"]["against"]) == (1, 1, [])


def test_what_is_no_row_is_of_no_engine() -> None:
    assert [card["engine"] for card in cards(Board.of(map(Entry.of, [None, 1, "x", [1], {}])))] == [""] * 5


def test_the_maintainers_mark_is_no_fault() -> None:
    assert against(new_row(metadata__verified=True)) == []


def test_the_rows_published_long_ago_are_all_there() -> None:
    found = cards(boards.published())
    assert len(found) == len(boards.published().best)
    assert all(card["against"] for card in found)


def test_rows_of_one_scope_stand_together_the_best_first() -> None:
    found = cards(boards.fresh())
    scopes = [card["scope"] for card in found]
    assert scopes == sorted(scopes)
    first = [card for card in found if card["scope"] == 0]
    assert [card["engine"] for card in first] == ["sglang", "vllm", "sagellm"]
    assert [card["rank"] for card in first] == [1, 1, 3]


def test_a_row_names_those_it_beat() -> None:
    better, worse = new_row(metrics__throughput_tps=80.0), new_row(metrics__throughput_tps=75.0)
    (card,) = cards(boards.of(worse, better, worse))
    assert [beaten["id"] for beaten in card["beaten"]] == [worse["entry_id"]]


@given(BOARDS)
def test_any_board_can_be_shown(rows: list[Any]) -> None:
    found = cards(boards.of(*rows))
    assert len(found) == len(boards.of(*rows).best)
    assert all(isinstance(card["engine"], str) and isinstance(card["group"], str) for card in found)
