"""Where another clock stands."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sagellm_benchmark.cluster.clocks import Exchange, offset

MOMENTS = st.floats(0, 1e6)
DELAYS = st.floats(1e-6, 1.0)


def test_the_quickest_exchange_counts() -> None:
    slow, quick = Exchange(0.0, 107.0, 4.0), Exchange(10.0, 110.25, 10.5)
    found = offset([slow, quick])
    assert (found.offset_s, found.bound_s) == (100.0, 0.25)


@given(st.floats(-1e6, 1e6), st.lists(st.tuples(MOMENTS, DELAYS, DELAYS), min_size=1))
def test_the_error_lies_within_the_bound_however_uneven_the_ways(
    true_s: float, exchanges: list[tuple[float, float, float]]
) -> None:
    found = offset(
        [Exchange(sent, sent + there + true_s, sent + there + back) for sent, there, back in exchanges]
    )
    assert abs(found.offset_s - true_s) <= found.bound_s + 1e-8
