from __future__ import annotations

from pathlib import Path

import pytest

from sagellm_benchmark.errors import DataError, UsageError
from sagellm_benchmark.workload.workloads import WORKLOADS, Workload, find, from_toml


@pytest.mark.parametrize(
    ("name", "requests", "lengths", "concurrency", "turns"),
    [
        ("Q1", 5, (32, 64), 1, 1),
        ("Q2", 3, (512, 128), 1, 1),
        ("Q3", 3, (128, 256), 1, 1),
        ("Q4", 3, (256, 256), 1, 3),
        ("Q5", 10, (32, 64), 10, 1),
        ("Q6", 10, (512, 256), 10, 1),
        ("Q7", 3, (256, 512), 1, 1),
        ("Q8", 4, (192, 128), 4, 1),
    ],
)
def test_the_documented_workloads_are_what_they_are(
    name: str, requests: int, lengths: tuple[int, int], concurrency: int, turns: int
) -> None:
    workload = WORKLOADS[name]
    assert (workload.requests, workload.concurrency, workload.turns) == (requests, concurrency, turns)
    assert (workload.input_tokens, workload.output_tokens) == lengths


def test_names_may_be_small_and_several() -> None:
    assert [workload.name for workload in find("q5, Q1,q5")] == ["Q5", "Q1"]


def test_all_means_every_documented_one() -> None:
    assert find("all") == tuple(WORKLOADS.values())


@pytest.mark.parametrize("names", ["Q9", "", "Q1,nope"])
def test_an_unknown_name_is_answered_with_the_known_ones(names: str) -> None:
    with pytest.raises(UsageError) as caught:
        find(names)
    assert "Q1, Q2" in str(caught.value.hint)


def test_a_toml_file_is_a_workload_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('name = "long"\nrequests = 7\ninput_tokens = 4000\noutput_tokens = 16\nconcurrency = 2\n')
    assert find(str(file)) == (Workload("long", 7, 4000, 16, 2),)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("requests = 0\ninput_tokens = 1\noutput_tokens = 1", "requests = 0"),
        ("requests = true\ninput_tokens = 1\noutput_tokens = 1", "requests = True"),
        ("requests = 1\ninput_tokens = 1", "output_tokens is missing"),
        ("requests = 1\ncolour = 1", "no field 'colour'"),
        ("requests = ", "is not TOML"),
    ],
)
def test_a_wrong_file_names_what_is_wrong(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(DataError, match=named):
        find(str(file))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"mine\.toml"):
        find(str(tmp_path / "mine.toml"))


def test_conversations_hold_the_requests() -> None:
    assert (WORKLOADS["Q4"].conversations, WORKLOADS["Q1"].conversations) == (1, 5)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Q1", "Q1 5×(32→64)"),
        ("Q4", "Q4 3×(256→256) in conversations of 3 turns"),
    ],
)
def test_a_workload_describes_itself(name: str, said: str) -> None:
    assert WORKLOADS[name].describe() == said


@pytest.mark.parametrize("name", ["Q1", "q5"])
def test_a_documented_name_cannot_be_given_to_other_lengths(tmp_path: Path, name: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f'name = "{name}"\nrequests = 1\ninput_tokens = 5\noutput_tokens = 4\n')
    with pytest.raises(DataError, match="documented workload"):
        from_toml(path)
