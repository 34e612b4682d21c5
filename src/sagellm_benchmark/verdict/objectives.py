"""Which requests met the objectives of a run, and how many did. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from sagellm_benchmark.verdict import intervals
from sagellm_benchmark.verdict.columns import Columns, Floats, known

SLO_METRICS = ("ttft", "tpot", "itl", "e2e")


def meets(columns: Columns, slo_s: Mapping[str, float]) -> npt.NDArray[np.bool_]:
    """Return which answered requests met every objective; `slo_s` maps ttft, tpot, itl or e2e to seconds.

    An objective for a metric that a request does not have (the TPOT of a one-token answer) counts as met.
    """
    values = _per_request(columns)
    good = np.ones(columns.answered, dtype=np.bool_)
    for metric, limit in slo_s.items():
        good &= ~(values[metric] > limit)
    return good


def _per_request(columns: Columns) -> dict[str, Floats]:
    return {"ttft": columns.ttft_s, "tpot": columns.tpot_s, "itl": columns.itl_s, "e2e": columns.e2e_s}


def _measured(columns: Columns, slo_s: Mapping[str, float]) -> bool:
    """Return whether each metric with an objective was measured in some answer, or whether there are no answers."""
    values = _per_request(columns)
    return not columns.answered or all(len(known(values[metric])) for metric in slo_s)


def goodput_rps(columns: Columns, slo_s: Mapping[str, float]) -> float | None:
    """Return the requests per second that met every objective (DistServe, OSDI 2024).

    None if there are no objectives, or if one of them was not measured.
    """
    if not slo_s or columns.window_s == 0 or not _measured(columns, slo_s):
        return None
    return float(meets(columns, slo_s).sum() / columns.window_s)


def attainment(columns: Columns, slo_s: Mapping[str, float]) -> float | None:
    """Return the share of all measured requests that met every objective; a failed request does not count as met.

    None if there are no objectives or requests, or if one objective was not measured.
    """
    if not slo_s or not columns.attempted or not _measured(columns, slo_s):
        return None
    return float(meets(columns, slo_s).sum() / columns.attempted)


def attainment_interval(columns: Columns, slo_s: Mapping[str, float]) -> intervals.Interval | None:
    """Return the 95 % interval of the attainment, over the effective number of independent requests."""
    share = attainment(columns, slo_s)
    if share is None:
        return None
    good = meets(columns, slo_s)[np.argsort(columns.start_s, kind="stable")].astype(np.float64)
    worth = intervals.effective_size(good) / columns.answered if columns.answered else 1.0
    return intervals.of_share(share, worth * columns.attempted)
