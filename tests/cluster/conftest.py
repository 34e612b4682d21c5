"""Without Ray test_ray_nodes.py says so; what imports its neighbours, which cannot be imported then, is left out."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore = (
    [] if find_spec("ray") else ["test_dying_head.py", "test_moving_clock.py", "test_slow_link.py"]
)
