"""How true a load from two nodes is beside one from one process, in alternating runs of one call: a ratio, no speed.

A load from two processes without a cluster tells how much of it is the cluster's.

    python scripts/perf_cluster.py [--json]

Both nodes are on this machine, so nothing is said of how much more two machines can carry.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median

from sagellm_benchmark.client.calibration import Bias, asking, compare, timed_server
from sagellm_benchmark.client.drive import drive
from sagellm_benchmark.client.terms import Limits, Observed, Order, Target
from sagellm_benchmark.client.timed_log import read_log
from sagellm_benchmark.workload.schedule import Schedule

STREAMS = 64
REQUESTS = 1024
TOKENS = 32
ROUNDS = 5
FIGURES = ("ttft_s_p50", "ttft_s_p99")

Send = Callable[[Order], Observed]


def measure(send: Send) -> tuple[Bias, float | None]:
    """One load, held against the server's log, and the widest bound of a node's clock."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "truth"
        with timed_server(log, ttft_s=0.05, itl_s=0.01) as url:
            target, schedule = Target(url, "timed", "chat"), Schedule(concurrency=STREAMS)
            raw = Path(folder) / "raw"
            observed = send(Order(asking(TOKENS), REQUESTS, schedule, target, Limits(), raw))
        bounds = [node.clock_bound_s for node in observed.nodes if node.clock_bound_s is not None]
        return compare(observed.samples(), read_log(log)), max(bounds, default=None)


def in_turn(ways: Mapping[str, Send]) -> Iterator[tuple[str, Bias, float | None]]:
    """Measure each way once a round, the other way round every second time, so that nobody is always the first."""
    for number in range(ROUNDS):
        for name in list(ways)[:: 1 if number % 2 == 0 else -1]:
            yield name, *measure(ways[name])


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster  # noqa: PLC0415 - reads the environment when it is imported

    from sagellm_benchmark.cluster.ray_nodes import connect  # noqa: PLC0415 - likewise

    machines = Cluster(initialize_head=True, head_node_args={"num_cpus": 2})
    try:
        machines.add_node(num_cpus=2)
        with connect(f"ray://{machines.address}", 2, 1, lambda _: None) as cluster:
            ways: dict[str, Send] = {
                "one_process": drive,
                "two_processes": lambda order: drive(replace(order, processes=2)),
                "two_nodes": cluster.drive,
            }
            found = list(in_turn(ways))
    finally:
        machines.shutdown()
    error_s = {
        way: {
            figure: median(getattr(bias, figure) for name, bias, _ in found if name == way)
            for figure in FIGURES
        }
        for way in ways
    }
    one, *others = ways
    facts = {
        **{f"{way}_ms": {figure: of[figure] * 1e3 for figure in FIGURES} for way, of in error_s.items()},
        **{
            f"{way}_beside_{one}": {figure: error_s[way][figure] / error_s[one][figure] for figure in FIGURES}
            for way in others
        },
        "clock_bound_ms": max(bound or 0.0 for _, _, bound in found) * 1e3,
        "load_average": os.getloadavg()[0],
    }
    print(json.dumps(facts, indent=None if given.json else 2))


if __name__ == "__main__":
    main()
