"""Checks of the machine: that its processors and accelerators worked only for the server and the client."""

from __future__ import annotations

from sagellm_benchmark.machine.contention import Contended
from sagellm_benchmark.verdict.evidence import Evidence, Findings, NotChecked

BUSY = "the machine was busy"  # the beginning of the reason
MOST_USED_BY_OTHERS = 0.1  # of the processors; on two cores, that cost llama.cpp a quarter of its tokens/s
MOST_STOLEN = 0.05  # of the processors, taken by the host of a virtual machine
MOST_WAITED = 0.1  # of the time in which the server could have run
MOST_CLIENT_WAITED = 1 / 3  # likewise; it wakes up often and briefly, and waits up to 27 % on an idle machine
MOST_SLOWED = 8.0  # times; others at 62–92 % of the processors made llama.cpp's TTFT six times as long
MOST_PRESSED = 0.5  # of the time, in which some program waited; used if nobody sees what the server does


def was_free(e: Evidence) -> Findings:
    """Check that other programs did not use the processors: waiting for them would count as the server's latency."""
    seen = e.contention
    if seen is None:
        yield NotChecked("contention: the server's process is not visible here, or the load was too short")
        return
    if seen.others_share is None:
        yield NotChecked(_unseen(seen, here=e.server_is_here))
    figures = (
        f"other programs used {_share(seen.others_share)} of the processors, "
        f"the host took {seen.steal_share or 0:.0%}; "
        f"the server waited {_share(seen.server_wait_share)} of the time it could have run, "
        f"the client {_share(seen.client_wait_share)}; "
        f"for {_share(seen.pressure_share)} of the time a program waited for a processor"
    )
    if busy(seen) and e.may_be_busy:
        yield NotChecked(f"contention, by --accept-busy: {figures}")
    elif busy(seen):
        yield f"{BUSY}: {figures}; stop what else runs on it, then run again"


def busy(seen: Contended) -> bool:
    """Return whether other programs took what the server or the client needed.

    If the server's processes cannot be seen, the whole machine is judged.
    """
    server, client = seen.server_wait_share, seen.client_wait_share
    told = server is not None or client is not None
    waited = (server or 0.0) > MOST_WAITED or (client or 0.0) > MOST_CLIENT_WAITED or not told
    if (seen.steal_share or 0.0) > MOST_STOLEN:
        return True
    if seen.others_share is None:
        return (seen.pressure_share or 0.0) > MOST_PRESSED and waited
    return seen.others_share > MOST_USED_BY_OTHERS and waited


def _unseen(seen: Contended, *, here: bool) -> str:
    wait, pressed = _share(seen.client_wait_share), _share(seen.pressure_share)
    where = "runs here, but its process cannot be seen" if here else "is not visible here"
    return (
        f"contention: the server {where}; the client waited {wait} of the time it could have run, "
        f"and for {pressed} of the time a program of this machine waited for a processor"
    )


def _share(value: float | None) -> str:
    return "an unknown part" if value is None else f"{value:.0%}"


def accelerators_were_ours(e: Evidence) -> Findings:
    """Check that no accelerator was shared or throttled, and that its energy is possible."""
    if e.other_processes:
        pids = ", ".join(map(str, e.other_processes[:5]))
        yield f"another process used the GPU during the run (pid {pids}); stop it and run again"
    if e.throttled:
        yield f"the GPU was throttled ({', '.join(e.throttled)}); let it cool or raise its power limit, then run again"
    if e.energy_j is not None and e.power_limit_w is not None and e.watched_s:
        mean = e.energy_j / e.watched_s
        if mean > 1.1 * e.power_limit_w:
            yield (
                f"energy cannot be right: {mean:.0f} W on average with a limit of {e.power_limit_w:.0f} W; "
                "update the driver"
            )
