"""The results of verifying or replaying a row, as text and as JSON."""

from __future__ import annotations

from dataclasses import asdict

from sagellm_benchmark.board.agreement import Measured
from sagellm_benchmark.evidence.replay import Replayed
from sagellm_benchmark.evidence.verify import Findings
from sagellm_benchmark.files import Document
from sagellm_benchmark.text import count_of, plain

_MOST = 20


def verified_text(found: Findings) -> str:
    """Return one line for each thing that does not match, or one that says that everything does."""
    lines = [f"row {found.entry_id}, {count_of(found.requests, 'request')}"]
    lines += [f"  ✗ {plain(str(mismatch))}" for mismatch in found.mismatches[:_MOST]]
    if len(found.mismatches) > _MOST:
        lines.append(f"  … and {len(found.mismatches) - _MOST} more")
    lines += [f"  not checked: {plain(why)}" for why in found.not_checked]
    fits = "✓ every number and the verdict follow from the requests"
    return "\n".join(
        [*lines, fits if found.fits else f"✗ {len(found.mismatches)} do not follow from the requests"]
    )


def render_replay(done: Replayed) -> str:
    """Return both throughputs, and whether the row was reproduced."""
    lines = [f"row {plain(done.entry_id)}", f"  claimed        {_rate(done.claimed)}"]
    if done.again is not None:
        lines.append(f"  measured again {_rate(done.again)}")
    if done.differs:
        lines.append(f"✗ not the same configuration: another {', '.join(done.differs)}")
    elif done.again is not None:
        lines.append(_compared(done.claimed, done.again, reproduced=done.reproduced))
    return "\n".join(lines)


def _compared(claimed: Measured, again: Measured, *, reproduced: bool) -> str:
    """Return by how much the two differ and, if that is too much, how much would have been allowed."""
    change = f"{again.value / claimed.value - 1:+.1%}"
    if reproduced:
        return f"✓ reproduced: {change}, and 5 % or overlapping intervals are allowed"
    if claimed.interval is None or again.interval is None:
        return f"✗ not reproduced: {change}, and only 5 % is allowed where a run had too few requests for an interval"
    return f"✗ not reproduced: {change}, which is more than 5 %, and the intervals do not overlap"


def replay_json(done: Replayed) -> Document:
    """Return the result of a replay as data; throughputs are in tokens per second."""
    return {
        "entry_id": done.entry_id,
        "reproduced": done.reproduced,
        "differs": list(done.differs),
        "claimed": asdict(done.claimed),
        "again": None if done.again is None else asdict(done.again),
    }


def _rate(measured: Measured) -> str:
    interval = "" if measured.interval is None else "  (95 % {:,.1f} to {:,.1f})".format(*measured.interval)
    return f"{measured.value:,.1f} tok/s{interval}"


def verified_json(found: Findings) -> Document:
    """Return all findings of a verification as data."""
    return {
        "entry_id": found.entry_id,
        "fits": found.fits,
        "requests": found.requests,
        "mismatches": [
            {"field": one.field, "claimed": one.claimed, "recomputed": one.recomputed}
            for one in found.mismatches
        ],
        "not_checked": list(found.not_checked),
    }
