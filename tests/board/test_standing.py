"""Tiers follow from what a dataset holds, in whatever order it arrived, and go before numbers."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagellm_benchmark.board.agreement import Measured
from sagellm_benchmark.board.entry import Entry, Place
from sagellm_benchmark.board.identity import slug
from sagellm_benchmark.board.merge import Fate, join
from sagellm_benchmark.board.standing import Fact, Proved, Standing, Tier, Withdrawal
from sagellm_benchmark.board.standing_file import parse, to_bytes
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import to_json
from tests.fakes.rows import new_row

NOW = "2026-11-27T08:00:00Z"
ANN, BOB = frozenset({"ann"}), frozenset({"bob"})

RATES = st.sampled_from((80.0, 83.0, 100.0, 200.0))
SIGNERS = st.frozensets(st.sampled_from(("ann", "bob", "cy")), max_size=2)
PROVED = st.builds(
    lambda rate, since: Proved(Measured(rate), frozenset(since), since),
    RATES,
    st.dictionaries(st.sampled_from(("ann", "bob", "cy")), st.integers(0, 9), max_size=2),
)
FACTS = st.builds(
    Fact, st.integers(1, 9), st.sampled_from((NOW, "2026-12-01T00:00:00Z")), st.just("c"), st.none() | PROVED
)
WITHDRAWALS = st.frozensets(
    st.builds(Withdrawal, st.just("c"), st.sampled_from(("ann", "mia")), st.sampled_from(("wrong", "hot"))),
    min_size=1,
    max_size=3,
)
STANDINGS = st.builds(
    Standing,
    st.dictionaries(st.sampled_from("abcd"), FACTS, max_size=4),
    st.dictionaries(st.sampled_from("abcd"), WITHDRAWALS, max_size=3),
)


def entry(rate: float = 80.0, **changes: Any) -> Entry:
    return Entry.of(new_row(metrics__throughput_tps=rate, **changes))


def known(*rows: tuple[Entry, Proved | None]) -> Standing:
    """A dataset to which these rows came one after the other."""
    standing = Standing()
    for one, proved in rows:
        standing = standing.accepting([one], (), {} if proved is None else {one.entry_id: proved}, NOW)
    return standing


def signed(rate: float, by: frozenset[str], interval: tuple[float, float] | None = None) -> Proved:
    return Proved(Measured(rate, interval), by)


def best(standing: Standing, *rows: Entry) -> Entry:
    (held,) = join([standing.placed(row) for row in rows], []).entries
    return held


@given(STANDINGS, STANDINGS)
def test_joining_is_commutative(a: Standing, b: Standing) -> None:
    assert to_bytes(a.joined(b)) == to_bytes(b.joined(a))


@given(STANDINGS, STANDINGS, STANDINGS)
def test_joining_is_associative(a: Standing, b: Standing, c: Standing) -> None:
    assert to_bytes(a.joined(b).joined(c)) == to_bytes(a.joined(b.joined(c)))


@given(STANDINGS)
def test_joining_is_idempotent(a: Standing) -> None:
    assert to_bytes(a.joined(a)) == to_bytes(a) == to_bytes(parse(to_bytes(a)))


@given(STANDINGS, st.permutations(range(4)))
def test_the_best_row_is_the_same_in_whatever_order_rows_are_merged(a: Standing, order: list[int]) -> None:
    rates = {"a": 80.0, "b": 83.0, "c": 100.0, "d": 200.0}
    rows = [entry(rate, entry_id=name) for name, rate in rates.items()]
    facts = {
        name: Fact(f.number, f.published_at, slug(rows[0].identity), f.proved) for name, f in a.facts.items()
    }
    standing = Standing(facts)
    placed = [standing.placed(row) for row in rows]
    one_by_one: tuple[Entry, ...] = ()
    for at in order:
        one_by_one = join(one_by_one, [placed[at]]).entries
    assert one_by_one == join(placed, []).entries


@given(STANDINGS)
def test_what_is_written_is_read_again(a: Standing) -> None:
    assert parse(to_bytes(a)) == a


ROWS = [entry(rate) for rate in (70.0, 80.0, 90.0)]
STEPS = st.lists(st.tuples(st.booleans(), st.sampled_from(ROWS)), max_size=8)


@given(STEPS, st.randoms(use_true_random=False))
def test_a_board_is_the_same_in_whatever_order_rows_and_tombstones_arrive(
    steps: list[tuple[bool, Entry]], shuffled: Random
) -> None:
    def board(some: list[tuple[bool, Entry]]) -> list[str]:
        standing = known(*((row, None) for row in ROWS))
        there: list[Entry] = []
        for withdraws, row in some:
            if withdraws:
                standing = standing.withdrawing(row.entry_id, Withdrawal(slug(row.identity), "mia", "wrong"))
            there = list(map(standing.placed, [*there, *([] if withdraws else [row])]))
        return [held.entry_id for held in join(there, []).entries]

    rates = {row for withdraws, row in steps if not withdraws} - {
        row for withdraws, row in steps if withdraws
    }
    expected = [max(rates, key=lambda row: row.throughput_tps or 0.0).entry_id] if rates else []
    other = list(steps)
    shuffled.shuffle(other)
    assert board(steps) == board(other) == expected


def test_a_withdrawn_row_reproduces_nobody() -> None:
    ours, theirs = entry(80.0), entry(81.0)
    standing = known((ours, signed(80.0, ANN)), (theirs, signed(81.0, BOB)))
    assert standing.tier(ours.entry_id) is Tier.REPRODUCED
    gone = standing.withdrawing(theirs.entry_id, Withdrawal(slug(theirs.identity), "bob", "wrong"))
    assert gone.tier(ours.entry_id) is Tier.ATTESTED


def test_a_file_without_withdrawals_is_left_to_older_versions_and_one_with_some_is_not() -> None:
    row = entry()
    before = known((row, None))
    after = before.withdrawing(row.entry_id, Withdrawal(slug(row.identity), "mia", "wrong"))
    assert to_bytes(before).startswith(b'{\n  "schema_version": 1,\n')
    assert to_bytes(after).startswith(b'{\n  "schema_version": 2,\n')


def test_what_lies_behind_a_row_is_its_tier() -> None:
    rows = [entry(rate) for rate in (80.0, 81.0, 82.0, 83.0)]
    claimed, evidenced, attested, other = rows
    standing = known(
        (claimed, None),
        (evidenced, signed(81, frozenset())),
        (attested, signed(82, ANN)),
        (other, None),
    )
    assert [standing.tier(row.entry_id) for row in rows] == [
        Tier.CLAIMED,
        Tier.EVIDENCED,
        Tier.ATTESTED,
        Tier.CLAIMED,
    ]


@pytest.mark.parametrize(
    ("one", "other", "tier"),
    [
        (signed(100, ANN), signed(104, BOB), Tier.REPRODUCED),
        (signed(100, ANN), signed(104, ANN), Tier.ATTESTED),  # nobody reproduces himself
        (signed(100, ANN), signed(90, BOB), Tier.ATTESTED),
        (signed(100, ANN, (94, 106)), signed(90, BOB, (85, 95)), Tier.REPRODUCED),
        (
            signed(100, ANN, (1, 900)),
            signed(40, BOB, (39, 41)),
            Tier.ATTESTED,
        ),  # nobody agrees with everything
        (signed(100, ANN), signed(100, frozenset()), Tier.ATTESTED),
    ],
)
def test_two_identities_that_agree_reproduce_each_other(one: Proved, other: Proved, tier: Tier) -> None:
    first, second = entry(100.0), entry(other.throughput.value, metadata__submitter="other")
    assert known((first, one), (second, other)).tier(first.entry_id) is tier


def test_an_unproved_row_that_is_a_trifle_faster_displaces_no_evidenced_one() -> None:
    evidenced, faster = entry(80.0), entry(80.01)
    standing = known((evidenced, signed(80, frozenset())), (faster, None))
    assert best(standing, evidenced, faster).entry_id == evidenced.entry_id


def test_within_a_tier_the_highest_throughput_wins() -> None:
    slow, fast = entry(80.0), entry(80.01)
    standing = known((slow, signed(80, ANN)), (fast, signed(80.01, ANN)))
    assert best(standing, slow, fast).entry_id == fast.entry_id


def test_a_row_far_above_what_was_reproduced_waits_as_a_claim() -> None:
    one, same, bold, just = entry(60.0), entry(61.0), entry(79.4), entry(79.2)
    standing = known(
        (one, signed(60, ANN)), (same, signed(61, BOB)), (bold, signed(79.4, ANN)), (just, signed(79.2, ANN))
    )
    assert standing.tier(bold.entry_id) is Tier.CLAIMED
    assert standing.tier(just.entry_id) is Tier.ATTESTED
    assert best(standing, one, same, bold, just).entry_id == same.entry_id


def lowered(*later: tuple[float, frozenset[str]]) -> Tier:
    """The tier of an attested row at 100 after these came, two of which agree on far less."""
    there = entry(100.0)
    others = [
        (entry(rate, metadata__submitter=str(at)), signed(rate, by)) for at, (rate, by) in enumerate(later)
    ]
    return known((there, signed(100, frozenset({"cy"}))), *others).tier(there.entry_id)


def test_two_who_agree_on_little_take_no_tier_from_a_row_that_was_there() -> None:
    assert lowered((10.0, ANN), (10.1, BOB)) is Tier.ATTESTED


def test_one_more_who_measures_as_much_undoes_what_two_agree_on() -> None:
    high, low, same, again = entry(100.0), entry(10.0), entry(10.1), entry(101.0)
    of_two = known((high, signed(100, frozenset({"cy"}))), (low, signed(10, ANN)), (same, signed(10.1, BOB)))
    assert best(of_two, high, low, same).entry_id == same.entry_id
    of_three = of_two.accepting([again], (), {again.entry_id: signed(101, frozenset({"dee"}))}, NOW)
    assert best(of_three, high, low, same, again).entry_id == again.entry_id


def test_rows_that_are_signed_late_were_not_reproduced_before_a_row_that_came_between() -> None:
    low, same, high = entry(10.0), entry(10.1), entry(100.0)
    bare = [(row, signed(row.throughput_tps or 0.0, frozenset())) for row in (low, same)]
    standing = known(*bare, (high, signed(100, frozenset({"cy"}))))
    late = {low.entry_id: signed(10, ANN), same.entry_id: signed(10.1, BOB)}
    standing = parse(to_bytes(standing.accepting([], [low, same], late, NOW)))
    assert standing.tier(low.entry_id) is Tier.REPRODUCED
    assert standing.tier(high.entry_id) is Tier.ATTESTED
    newer = entry(100.0, metadata__submitter="newer")
    after = standing.accepting([newer], (), {newer.entry_id: signed(100, frozenset({"dee"}))}, NOW)
    assert after.tier(newer.entry_id) is Tier.REPRODUCED  # by the one that was there
    bold = entry(150.0)
    assert (
        after.accepting([bold], (), {bold.entry_id: signed(150, ANN)}, NOW).tier(bold.entry_id)
        is Tier.CLAIMED
    )


RUNS = st.lists(st.tuples(RATES, st.none() | SIGNERS), min_size=1, max_size=7)


@given(RUNS, RUNS)
def test_no_row_that_comes_later_lowers_the_tier_of_one_that_is_there(
    there: list[tuple[float, frozenset[str] | None]], later: list[tuple[float, frozenset[str] | None]]
) -> None:
    rows = [
        (entry(rate, metadata__submitter=str(at)), None if by is None else signed(rate, by))
        for at, (rate, by) in enumerate((*there, *later))
    ]
    before, after = known(*rows[: len(there)]), known(*rows)
    for row, _ in rows[: len(there)]:
        assert before.tier(row.entry_id) <= after.tier(row.entry_id)


@given(RUNS, st.lists(st.tuples(st.integers(0, 6), SIGNERS), max_size=4))
def test_no_signature_that_comes_later_lowers_the_tier_of_a_row_that_is_there(
    there: list[tuple[float, frozenset[str] | None]], later: list[tuple[int, frozenset[str]]]
) -> None:
    rows = [
        (entry(rate, metadata__submitter=str(at)), None if by is None else signed(rate, by))
        for at, (rate, by) in enumerate(there)
    ]
    before = after = known(*rows)
    for at, by in later:
        row, proof = rows[at % len(rows)]
        if proof is not None:
            held = after.facts[row.entry_id].proved
            assert held is not None
            more = signed(proof.throughput.value, held.signers | by)
            after = after.accepting([], [row], {row.entry_id: more}, NOW)
    assert after == parse(to_bytes(after))
    for row, _ in rows:
        assert before.tier(row.entry_id) <= after.tier(row.entry_id)


def test_one_who_signs_late_what_two_reproduced_leaves_it_reproduced_since_then() -> None:
    first, low, same, second = entry(200.0), entry(80.0), entry(81.0), entry(201.0)
    third = entry(202.0)
    standing = known(
        *((first, signed(200, BOB)), (low, signed(80, ANN)), (same, signed(81, BOB))),
        *((second, signed(201, ANN)), (third, signed(202, frozenset()))),
    )
    assert standing.tier(third.entry_id) is Tier.EVIDENCED
    late = standing.accepting([], [first], {first.entry_id: signed(200, ANN | BOB)}, NOW)
    assert late.tier(third.entry_id) is Tier.EVIDENCED


def test_two_who_sign_each_others_rows_leave_them_reproduced() -> None:
    one, other = entry(80.0), entry(81.0)
    standing = known((one, signed(80, ANN)), (other, signed(81, BOB)))
    both = {row.entry_id: signed(row.throughput_tps or 0.0, ANN | BOB) for row in (one, other)}
    assert standing.accepting([], [one, other], both, NOW).tier(one.entry_id) is Tier.REPRODUCED


@pytest.mark.parametrize("year", ["2000", "2100"])
def test_a_copy_of_a_row_never_replaces_its_author_whatever_time_it_states(year: str) -> None:
    authors = entry()
    for submitter in ("thief", "other thief", "third thief"):  # their ids lie on either side of the author's
        copy = entry(metadata__submitted_at=f"{year}-01-01T00:00:00Z", metadata__submitter=submitter)
        standing = known((authors, None), (copy, None))
        assert best(standing, copy, authors).entry_id == authors.entry_id


def test_a_row_of_before_anybody_counted_is_earlier_than_every_copy() -> None:
    old = entry()
    for submitter in ("thief", "other thief", "third thief"):
        copy = entry(metadata__submitter=submitter)
        assert best(known((copy, None)), copy, old).entry_id == old.entry_id


def test_a_clock_that_runs_ahead_gives_nobody_else_its_time() -> None:
    one, two = entry(80.0), entry(81.0)
    standing = Standing().accepting([one], (), {}, "2100-01-01T00:00:00Z").accepting([two], (), {}, NOW)
    assert standing.facts[two.entry_id] == Fact(2, NOW, slug(two.identity))


@pytest.mark.parametrize("now", ["1970-01-01T00:00:00Z", "2150-01-01T00:00:00Z", "soon"])
def test_a_broken_clock_writes_nothing_that_others_cannot_read(now: str) -> None:
    one = entry()
    standing = Standing().accepting([one], (), {}, now)
    assert parse(to_bytes(standing)).facts[one.entry_id] == Fact(1, "", slug(one.identity))


@pytest.mark.parametrize("now", ["2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z"])
def test_no_clock_orders_rows_of_equal_numbers(now: str) -> None:
    first, copy = entry(), entry(metadata__submitter="thief")
    standing = known((first, None)).accepting([copy], (), {}, now)
    assert best(standing, copy, first).entry_id == first.entry_id


def test_accepting_a_row_again_changes_nothing() -> None:
    one = entry()
    standing = known((one, signed(80, ANN)))
    assert to_bytes(standing.accepting([one], (), {}, "2027-01-01T00:00:00Z")) == to_bytes(standing)


def test_what_another_configuration_s_row_with_the_same_id_is_known_for_is_not_this_one_s() -> None:
    one = entry()
    forged = Entry.of(new_row(model__name="another") | {"entry_id": one.entry_id})
    assert known((one, signed(80, ANN))).placed(forged).place == Place()


def test_an_evidenced_run_is_not_left_out_for_a_faster_claim_before_it_is_published() -> None:
    claim = known((entry(99.0), None)).placed(entry(99.0))
    ours = Standing().expected(entry(evidence={"sha256": "0" * 64}))
    assert [outcome.fate for outcome in join([claim], [ours]).outcomes] == [Fate.IMPROVED]


def facts_of_a(**changes: object) -> bytes:
    fact = {"number": 1, "published_at": "2026-11-20T08:00:00Z", "configuration": "c"}
    return to_json({"schema_version": 1, "rows": {"a": fact | changes}})


@pytest.mark.parametrize(
    "content",
    [
        *(b"[]", b"{}", b"no", b'{"rows": {"a": {"number": "x"}}}', b'{"rows": [1]}'),
        *(facts_of_a(number=number) for number in (-1, 1e308, True, 2**62)),
        *(
            facts_of_a(published_at=moment)
            for moment in (-1, True, "soon", "2026-11-20", "9999-13-01T00:00:00Z")
        ),
    ],
)
def test_a_damaged_file_is_said_to_be_damaged(content: bytes) -> None:
    with pytest.raises(DataError, match=r"standing\.json is (damaged|not valid JSON)"):
        parse(content)


def test_a_time_reads_back_as_it_was_written_or_as_unknown() -> None:
    for moment in ("2026-11-20T08:00:00Z", ""):
        assert parse(facts_of_a(published_at=moment)).facts["a"].published_at == moment
