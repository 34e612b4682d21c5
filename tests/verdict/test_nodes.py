"""Whether the machines that sent a load together can be believed."""

from __future__ import annotations

from dataclasses import replace

from sagellm_benchmark.client.terms import ClientHealth, ClientNode
from sagellm_benchmark.verdict.checks import judge
from tests.fakes.samples import closed_loop
from tests.verdict.test_checks import evidence

HEALTH = ClientHealth(loop_lag_p99_s=0.001, loop_lag_max_s=0.002, cpu_share=0.2, cpu_s=1.0)
NODE = ClientNode("0 (a, 10.0.0.1)", 2, HEALTH, clock_offset_s=5.0, clock_bound_s=0.0002)
OTHER = replace(NODE, name="1 (b, 10.0.0.2)")


def reasons(*nodes: ClientNode) -> tuple[str, ...]:
    return judge(evidence(closed_loop(200), nodes=nodes)).reasons


def test_nodes_that_are_there_and_agree_about_the_time_are_believed() -> None:
    assert reasons(NODE, OTHER) == ()


def test_a_lost_node_is_named() -> None:
    (reason,) = reasons(NODE, replace(OTHER, health=None, lost="no answer for 3 s"))
    assert reason.startswith("client node 1 (b, 10.0.0.2) was lost: no answer for 3 s")


def test_a_clock_that_is_known_too_badly_is_named() -> None:
    (reason,) = reasons(NODE, replace(OTHER, clock_bound_s=0.0015))
    assert "client node 1 (b, 10.0.0.2)" in reason
    assert "1.5 ms" in reason


def test_low_priority_and_neighbours_are_said() -> None:
    said = judge(
        evidence(closed_loop(200), nodes=(NODE, replace(OTHER, niceness=15, others_share=0.5)))
    ).not_checked
    assert [one for one in said if "10.0.0.2" in one] == [
        "priority: client node 1 (b, 10.0.0.2) has a low priority (nice 15); "
        "start Ray with RAY_worker_niceness=0",
        "neighbours: other programs used 50% of the processors of client node 1 (b, 10.0.0.2)",
    ]


def test_the_worst_node_is_named_where_the_client_was_the_bottleneck() -> None:
    slow = replace(HEALTH, loop_lag_p99_s=0.2)
    given = evidence(closed_loop(200), nodes=(NODE, replace(OTHER, health=slow)), health=slow)
    (reason,) = judge(given).reasons
    assert "200 ms late (p99) on node 1 (b, 10.0.0.2)" in reason
