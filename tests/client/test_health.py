from __future__ import annotations

from sagellm_benchmark.client.health import together, worst
from sagellm_benchmark.client.terms import ClientHealth, ClientNode

ONE = ClientHealth(loop_lag_p99_s=0.1, loop_lag_max_s=0.2, cpu_share=0.3, cpu_s=1.0)
OTHER = ClientHealth(loop_lag_p99_s=None, loop_lag_max_s=0.4, cpu_share=0.1, cpu_s=2.0)


def test_the_worst_of_several_repeats_speaks_for_all() -> None:
    assert worst([ONE, OTHER]) == ClientHealth(0.1, 0.4, 0.3, 2.0)


def test_processes_side_by_side_have_used_their_processor_time_together() -> None:
    assert worst([ONE, OTHER], cpu_s=sum) == ClientHealth(0.1, 0.4, 0.3, 3.0)


def test_processor_time_that_nobody_measured_is_unknown() -> None:
    unknown = ClientHealth(None, None, None, None)
    assert worst([unknown], cpu_s=sum) == unknown


def test_a_process_lost_in_a_later_repeat_is_not_forgotten() -> None:
    lost = ClientNode("localhost", 2, lost="it was frozen")
    assert together([(), (), (lost,)]) == (lost,)
