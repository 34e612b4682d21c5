"""Checks of the machines that sent a load together. Pure."""

from __future__ import annotations

from sagellm_benchmark.cluster.clocks import MAX_BOUND_S
from sagellm_benchmark.verdict.evidence import Evidence, Findings, NotChecked

MOST_USED_BY_OTHERS = 0.25  # of a node's processors


def all_there(e: Evidence) -> Findings:
    """Check that no node was lost: no other node sends its part of the load."""
    for node in e.nodes:
        if node.lost is not None and node.is_head:
            yield (
                f"the head of the Ray cluster, {node.name}, was lost: {node.lost}; without it the load was ended. "
                "Start it again, and run again"
            )
        elif node.lost is not None:
            yield (
                f"client node {node.name} was lost: {node.lost}; its part of the load is missing. "
                "Fix it or leave it out, and run again"
            )


def one_clock(e: Evidence) -> Findings:
    """Check that the clocks of several nodes agree, so that their requests can be put in order and into one window."""
    known = [(node.clock_bound_s, node.name) for node in e.nodes if node.clock_bound_s is not None]
    bound_s, name = max(known, default=(0.0, ""))
    if bound_s > MAX_BOUND_S:
        yield (
            f"the clock of client node {name} is known only to within {bound_s * 1e3:.1f} ms, "
            f"which is more than {MAX_BOUND_S * 1e3:g} ms; is the node or its network overloaded, "
            "or was its clock put forward or back, or made faster or slower?"
        )


def undisturbed(e: Evidence) -> Findings:
    """Note a client node's low priority, and other programs on its processors."""
    for node in e.nodes:
        if node.niceness > 0:
            yield NotChecked(
                f"priority: client node {node.name} has a low priority (nice {node.niceness}); "
                "start Ray with RAY_worker_niceness=0"
            )
    known = [(node.others_share, node.name) for node in e.nodes if node.others_share is not None]
    share, name = max(known, default=(0.0, ""))
    if share > MOST_USED_BY_OTHERS:
        yield NotChecked(
            f"neighbours: other programs used {share:.0%} of the processors of client node {name}"
        )


def worst(e: Evidence, figure: str) -> str:
    """Return the end of a phrase that names the node where a figure of the client's health was worst.

    It is empty if one machine sent the load.
    """
    known = [
        (value, node.name)
        for node in e.nodes
        if node.health is not None and (value := getattr(node.health, figure)) is not None
    ]
    return f" on node {max(known)[1]}" if known else ""
