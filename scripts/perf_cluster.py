"""How true a load from two nodes is beside one from one process, in alternating runs of one call: a ratio, no speed.

    python scripts/perf_cluster.py [--json]

Both nodes are on this machine, so nothing is said of how much more two machines can carry.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from sagellm_benchmark.client.calibration import Bias, asking, compare, timed_server
from sagellm_benchmark.client.drive import drive
from sagellm_benchmark.client.terms import Limits, Observed, Target
from sagellm_benchmark.client.timed_server import read_log
from sagellm_benchmark.workload.schedule import Schedule

STREAMS = 64
REQUESTS = 1024
TOKENS = 32
PAIRS = 3


def measure(send: Callable[..., Observed]) -> tuple[Bias, float | None]:
    """One load, held against the server's log, and the widest bound of a node's clock."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "truth"
        with timed_server(log, ttft_s=0.05, itl_s=0.01) as url:
            target, schedule = Target(url, "timed", "chat"), Schedule(concurrency=STREAMS)
            observed = send(asking(TOKENS), REQUESTS, schedule, target, Limits(), Path(folder) / "raw")
        bounds = [node.clock_bound_s for node in observed.nodes if node.clock_bound_s is not None]
        return compare(observed.samples(), read_log(log)), max(bounds, default=None)


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
            pairs = [(measure(drive), measure(cluster.drive)) for _ in range(PAIRS)]
    finally:
        machines.shutdown()
    one = {
        name: median(getattr(alone, name) for (alone, _), _ in pairs) for name in ("ttft_s_p50", "ttft_s_p99")
    }
    two = {name: median(getattr(both, name) for _, (both, _) in pairs) for name in one}
    bound_s = max(bound or 0.0 for _, (_, bound) in pairs)
    facts = {
        "one_process_ms": {name: value * 1e3 for name, value in one.items()},
        "two_nodes_ms": {name: value * 1e3 for name, value in two.items()},
        "two_nodes_beside_one_process": {name: two[name] / one[name] for name in one},
        "clock_bound_ms": bound_s * 1e3,
        "load_average": os.getloadavg()[0],
    }
    print(json.dumps(facts, indent=None if given.json else 2))


if __name__ == "__main__":
    main()
