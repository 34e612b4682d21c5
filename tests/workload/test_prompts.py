"""Random prompts: exact lengths under any tokenizer, no shared beginnings, the same again for the same seed."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sagellm_benchmark.errors import UsageError
from sagellm_benchmark.workload.lexicon import survey
from sagellm_benchmark.workload.prompts import Prompts
from sagellm_benchmark.workload.workloads import WORKLOADS, Conversation, Workload

Rule = Callable[[str], int]


@dataclass
class Counter:
    """A tokenizer by a rule, that notes what it was asked."""

    rule: Rule
    cheap: bool = True
    overhead: int = 0
    asked: list[str] = field(default_factory=list)

    def count(self, text: str) -> int:
        self.asked.append(text)
        return self.overhead + self.rule(text)


def words(text: str) -> int:
    """A word and its blank are one token, a line break one of its own, as in most vocabularies."""
    return len(re.findall(r"\n| ?[^ \n]+", text))


def words_only(text: str) -> int:
    """Blanks and line breaks count for nothing."""
    return len(text.split())


def letters(text: str) -> int:
    """Every character is a token, as with a vocabulary of bytes."""
    return len(text)


def marks(text: str) -> int:
    """Every letter is a token, and blanks are none."""
    return len(text.replace(" ", "").replace("\n", ""))


def pieces(text: str) -> int:
    """Words fall into pieces of four letters."""
    return sum(-(-len(word) // 4) for word in text.split())


def thirds(text: str) -> int:
    """Tokens that take no notice of words: lengths do not add up."""
    return -(-len(text) // 3)


def half_known(text: str) -> int:
    """Half of the words are one token behind a blank, and two at the beginning."""
    found = text.split()
    return sum(1 if len(word) % 2 == 0 or len(word) == 1 else 2 for word in found) + (
        1 if found and found[0] > "m" else 0
    )


RULES = [words, words_only, letters, marks, pieces, thirds, half_known]


def workload(requests: int = 8, input_tokens: int = 64, turns: int = 1) -> Workload:
    return Workload("custom", requests, input_tokens, output_tokens=16, concurrency=1, turns=turns)


def texts(prompts: Prompts, count: int | None = None) -> list[str]:
    return [prompts.conversation(index)[0].text for index in range(prompts.count if count is None else count)]


def said(conversation: Conversation) -> list[str]:
    return [turn.text for turn in conversation]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", WORKLOADS)
def test_every_documented_workload_has_exact_prompts(rule: Rule, name: str) -> None:
    counter = Counter(rule, overhead=7)
    prompts = Prompts(WORKLOADS[name], 1, counter)
    assert prompts.exact
    for index in range(prompts.count):
        first = prompts.conversation(index)[0]
        assert counter.count(first.text) == first.input_tokens == WORKLOADS[name].input_tokens


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rule=st.sampled_from([words, words_only, letters, marks, pieces, half_known]),
    overhead=st.integers(0, 40),
    room=st.integers(1, 700),
    seed=st.integers(0, 2**63),
)
def test_any_length_is_met_under_any_tokenizer(rule: Rule, overhead: int, room: int, seed: int) -> None:
    counter = Counter(rule, overhead=overhead)
    prompts = Prompts(workload(3, overhead + room), seed, counter)
    lengths = {counter.count(text) for text in texts(prompts)}
    assert not prompts.exact or lengths == {overhead + room}
    assert all(
        abs(length - overhead - room) <= 1 for length in lengths
    )  # words of no odd price cannot add up to one


@pytest.mark.parametrize("rule", [words, words_only, letters, marks, pieces])
def test_prompts_that_were_not_checked_have_their_length_too(rule: Rule) -> None:
    counter = Counter(rule)
    prompts = Prompts(workload(2, 200), 5, counter)
    asked = len(counter.asked)
    built = [prompts.conversation(index)[0].text for index in range(100, 130)]
    assert len(counter.asked) == asked, "a prompt that is built during a run asks nobody"
    assert {counter.count(text) for text in built} == {200}


def test_the_server_is_asked_once_how_long_a_prompt_is() -> None:
    counter = Counter(words)
    prompts = Prompts(workload(20, 100), 5, counter)
    assert [counter.asked.count(text) for text in texts(prompts)] == [1] * 20


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("turns", [2, 3])
def test_later_turns_add_their_tokens(rule: Rule, turns: int) -> None:
    counter = Counter(rule, overhead=5)
    conversation = Prompts(workload(turns, 80, turns), 3, counter).conversation(0)
    first = conversation[0].text
    assert len(conversation) == turns
    for turn in conversation[1:]:
        assert counter.count(first + turn.text) - counter.count(first) == 80


def test_a_later_turn_begins_with_a_blank_so_that_it_never_joins_the_answer_before_it() -> None:
    conversation = Prompts(workload(3, 32, turns=3), 3, Counter(words)).conversation(0)
    assert [text.startswith(" ") for text in said(conversation)] == [False, True, True]


def test_the_last_conversation_holds_what_is_left_of_the_requests() -> None:
    prompts = Prompts(workload(requests=7, turns=3), 1, Counter(words))
    assert [len(prompts.conversation(index)) for index in range(4)] == [3, 3, 1, 3]


def test_no_two_prompts_begin_with_the_same_word_while_words_last() -> None:
    prompts = Prompts(workload(1), 1, Counter(words))
    first = [text.split()[0] for text in texts(prompts, 400)]
    assert len(set(first)) == 400


def test_beyond_that_no_two_begin_with_the_same_words() -> None:
    prompts = Prompts(workload(1), 1, Counter(words))
    assert len({tuple(text.split()[:2]) for text in texts(prompts, 20_000)}) == 20_000


def test_warm_up_conversations_are_none_of_the_measured_ones() -> None:
    prompts = Prompts(workload(10), 1, Counter(words))
    far = {prompts.conversation(1_000_000_000 + index)[0].text for index in range(10)}
    assert not far & set(texts(prompts))


@pytest.mark.parametrize("rule", [words, letters])
def test_the_same_seed_gives_the_same_prompts(rule: Rule) -> None:
    one, other = (Prompts(workload(), 42, Counter(rule)) for _ in range(2))
    assert texts(one) == texts(other)
    assert one.content_hash == other.content_hash


def test_another_seed_gives_other_prompts() -> None:
    one, other = (Prompts(workload(), seed, Counter(words)) for seed in (1, 2))
    assert not set(texts(one)) & set(texts(other))
    assert one.content_hash != other.content_hash


def test_two_workloads_of_one_seed_share_no_prompt() -> None:
    one = Prompts(WORKLOADS["Q1"], 1, Counter(words))
    other = Prompts(WORKLOADS["Q5"], 1, Counter(words))
    assert not set(texts(one)) & set(texts(other))


def test_no_prompt_was_sent_to_the_server_before_the_run_where_counting_runs_the_model() -> None:
    counter = Counter(words, cheap=False, overhead=11)
    prompts = Prompts(workload(), 1, counter)
    assert len(counter.asked) == 3
    assert not set(counter.asked) & set(texts(prompts))
    assert prompts.exact
    assert prompts.overhead_tokens == 11
    assert {counter.count(text) for text in texts(prompts)} == {64}


def test_a_line_that_is_not_one_token_a_word_is_followed_and_said_not_to_be_exact() -> None:
    counter = Counter(lambda text: 2 * words_only(text), cheap=False, overhead=4)
    prompts = Prompts(workload(input_tokens=204), 1, counter)
    assert not prompts.exact
    assert prompts.overhead_tokens == 4
    assert {counter.count(text) for text in texts(prompts)} <= {202, 204, 206, 208}


@pytest.mark.parametrize("cheap", [True, False])
def test_a_server_that_counts_nonsense_still_gets_prompts(cheap: bool) -> None:
    prompts = Prompts(workload(input_tokens=20), 1, Counter(lambda _: 1, cheap=cheap))
    assert not prompts.exact
    assert all(texts(prompts))


def test_without_a_count_a_word_is_taken_for_a_token() -> None:
    prompts = Prompts(workload(input_tokens=20), 1, None)
    assert not prompts.exact
    assert {words_only(text) for text in texts(prompts)} == {20}


@pytest.mark.parametrize("overhead", [64, 65, 500])
def test_a_template_longer_than_the_prompt_is_an_error_that_names_a_way_out(overhead: int) -> None:
    with pytest.raises(UsageError, match=str(overhead)) as caught:
        Prompts(workload(input_tokens=64), 1, Counter(words, overhead=overhead))
    assert "--api completions" in str(caught.value.hint)


def test_a_survey_is_made_once_for_several_workloads() -> None:
    counter = Counter(words, overhead=3)
    lexicon = survey(counter)
    asked = len(counter.asked)
    Prompts(workload(requests=2), 1, counter, lexicon)
    assert len(counter.asked) - asked <= 4


def test_a_survey_asks_few_questions_where_every_common_word_is_one_token() -> None:
    counter = Counter(words)
    survey(counter)
    assert len(counter.asked) <= 20


def test_one_unknown_word_costs_its_group_only() -> None:
    def but_one(text: str) -> int:
        return words(text) + text.count("water")

    lexicon = survey(Counter(but_one))
    assert all("water" not in known for known in (lexicon.first[1], lexicon.later[1]))
    assert len(lexicon.later[1]) > 400


def test_prompts_can_be_sent_to_another_process() -> None:
    prompts = Prompts(workload(), 1, Counter(thirds))
    again: Prompts = pickle.loads(pickle.dumps(prompts))  # noqa: S301 - our own
    assert texts(again) == texts(prompts)


def test_prompts_are_plain_lower_case_words() -> None:
    assert all(re.fullmatch(r"[a-z ]+", text) for text in texts(Prompts(workload(), 1, Counter(words)), 50))


def test_lengths_of_ones_own_can_be_built() -> None:
    counter = Counter(words, overhead=2)
    prompts = Prompts(replace(workload(), requests=0), 1, counter)
    for length in (3, 10, 333):
        turn = prompts.build(length, length, 5)[0]
        assert (counter.count(turn.text), turn.input_tokens, turn.output_tokens) == (length, length, 5)


CLOSING = " Count from 1 to 1000."


@pytest.mark.parametrize("rule", [words, words_only, pieces, letters])
@pytest.mark.parametrize("overhead", [0, 14])
def test_talkative_prompts_end_with_a_request_to_count_and_keep_their_length(
    rule: Rule, overhead: int
) -> None:
    counter = Counter(rule, overhead=overhead)
    prompts = Prompts(replace(WORKLOADS["Q1"], input_tokens=64), 1, counter, talkative=True)
    texts = [prompts.conversation(index)[0].text for index in range(prompts.count)]
    assert {counter.count(text) for text in texts} == {64}
    assert {text.endswith(CLOSING) for text in texts} == {True}
    assert len({text.split()[0] for text in texts}) == len(texts)


def test_where_counting_is_dear_the_closing_is_priced_as_well() -> None:
    counter = Counter(words, cheap=False, overhead=14)
    prompts = Prompts(WORKLOADS["Q1"], 1, counter, talkative=True)
    assert prompts.exact
    assert {words(prompts.conversation(index)[0].text) + 14 for index in range(5)} == {32}


def test_a_closing_that_would_leave_no_room_for_a_beginning_is_left_out() -> None:
    prompts = Prompts(WORKLOADS["Q1"], 1, Counter(words, overhead=29), talkative=True)
    assert prompts.closing == ""
    assert words(prompts.conversation(0)[0].text) == 3
