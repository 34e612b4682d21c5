"""The nodes of a Ray cluster, each with its own agent. This module needs Ray."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any, TextIO, TypeVar
from urllib.parse import urlsplit

import ray
from ray.exceptions import RayActorError, RayError
from ray.util.placement_group import placement_group, remove_placement_group
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy, PlacementGroupSchedulingStrategy

from sagellm_benchmark.causes import cause
from sagellm_benchmark.cluster import greeting
from sagellm_benchmark.cluster.agent import Agent, Facts, check_versions, facts
from sagellm_benchmark.cluster.head import Head, speaks_tls, watched
from sagellm_benchmark.cluster.load import Cluster
from sagellm_benchmark.cluster.nodes import HeadLost, Lost
from sagellm_benchmark.errors import RemoteError, UsageError
from sagellm_benchmark.hanging import within

_SCHEME = "ray://"
_PORT = 6379  # of a head, unless its address states another
_LISTENS_S = 5.0
_PLACED_S = 30.0
_LEFT_S = 1.0
_ANSWERS_S = 4.0  # Ray answers within milliseconds; without a head, it would wait for a minute
_THREADS = 8  # of an agent, so that it can be asked while it calibrates


T = TypeVar("T")


def called(call: Callable[..., T], *arguments: Any, within_s: float = _ANSWERS_S, **named: Any) -> T:
    """Call a function of Ray that asks the cluster's head. Raise RemoteError if it does not return in time."""
    try:
        return within(within_s, partial(call, *arguments, **named))
    except TimeoutError as error:
        raise RemoteError(
            f"the Ray cluster has not answered for {within_s:g} s",
            hint="is its head still running (`ray status`)? Start it, then run again",
        ) from error


def tidied(call: Callable[..., object], *arguments: Any, **named: Any) -> bool:
    """Call a function of Ray that ends or gives back something, and return whether it did."""
    try:
        called(call, *arguments, **named)
    except (RayError, RemoteError):
        return False
    return True


def authentication_is_on() -> bool:
    """Return whether the cluster asks for a token, by Ray's own setting, which its users must share."""
    return os.environ.get("RAY_AUTH_MODE", "").lower() == "token"


@dataclass(frozen=True, slots=True)
class Agents:
    """Actors, one on each node."""

    actors: tuple[Any, ...]
    names: tuple[str, ...]
    head: Head

    def head_lost(self) -> HeadLost | None:
        """Return the cluster's head if it has not answered for some time."""
        return lost(self.head)

    def ask(self, method: str, arguments: dict[int, tuple[Any, ...]], within_s: float) -> dict[int, Any]:
        """Call `method` of the actors, and return their answers by node; `Lost` for those that fail or are late."""
        asked = {node: getattr(self.actors[node], method).remote(*given) for node, given in arguments.items()}
        if not asked:
            return {}
        answered, _ = ray.wait(list(asked.values()), num_returns=len(asked), timeout=within_s)
        late = Lost(f"no answer for {within_s:g} s")
        return {node: _said(one) if one in answered else late for node, one in asked.items()}

    def end(self, node: int) -> None:
        """Kill the actor; its processes end with it."""
        tidied(ray.kill, self.actors[node], no_restart=True)


def lost(head: Head) -> HeadLost | None:
    """Return the head if it has not answered for some time; None while it answers."""
    why = head.gone()
    return None if why is None else HeadLost(head.name, why)


def _said(answer: Any) -> Any:
    try:
        return ray.get(answer, timeout=_ANSWERS_S)
    except RayActorError:
        return Lost("its agent or its machine has gone")
    except RayError as error:
        return Lost(str(error).strip().splitlines()[-1])


@contextlib.contextmanager
def connect(
    address: str,
    nodes: int,
    processes: int,
    note: Callable[[str], None],
    said_to: TextIO | None = None,
) -> Iterator[Cluster]:
    """Yield agents on `nodes` nodes of the Ray cluster at `address`, `ray://auto` or `ray://HOST:PORT`.

    This machine must be one of the cluster's nodes. The agents end with the block or this process. Raise RemoteError if
    there is no such cluster, UsageError if it has too few nodes with room or another version of this tool.
    """
    with joined(address, note, said_to), _placed(nodes, processes) as agents:
        note(f"client nodes: {', '.join(agents.names)}")
        cluster = Cluster(agents)
        cluster.meet()
        yield cluster


@contextlib.contextmanager
def joined(address: str, note: Callable[[str], None], said_to: TextIO | None = None) -> Iterator[None]:
    """Join the Ray cluster at `address` during the block; everything that is started there ends with it.

    Ray prints to standard output when a node is lost; if `said_to` is given, standard output goes there. Raise
    UsageError for a bad address, RemoteError if there is no such cluster.
    """
    where = _listening(address)
    os.environ.setdefault("RAY_DEDUP_LOGS", "0")
    try:
        ray.init(address=where, log_to_driver=False, logging_level="ERROR", configure_logging=False)
    except (ConnectionError, RuntimeError, ValueError, RayError) as error:
        raise _unjoined(address, str(error)) from error
    with contextlib.ExitStack() as spoken:
        if said_to is not None:
            spoken.enter_context(contextlib.redirect_stdout(said_to))
        try:
            if not authentication_is_on():
                note(
                    f"the Ray cluster at {address} asks for no token: anybody who can reach it can run programs there"
                )
            yield
        finally:
            if not tidied(ray.shutdown):
                spoken.pop_all()  # Ray may go on printing until this process ends


def _listening(address: str) -> str:
    """Return an address in Ray's form if a head listens there; Ray itself would try for many minutes.

    Raise UsageError if it is not an address of Ray's, RemoteError if no head listens.
    """
    if not address.startswith(_SCHEME):
        raise UsageError(
            "--on takes the address of a Ray cluster",
            hint="such as ray://auto, or ray://HOST:6379 of its head",
        )
    where = address.removeprefix(_SCHEME)
    asked = os.environ.get("RAY_ADDRESS", where) if where == "auto" else where
    if asked == "auto":
        return where
    at = address if asked == where else f"{address}, which is {asked} (RAY_ADDRESS)"
    try:
        parts = urlsplit(f"//{asked.removeprefix(_SCHEME)}")
        is_head = greeting.is_head(parts.hostname or "", parts.port or _PORT, _LISTENS_S)
    except (OSError, ValueError) as error:  # ValueError: no port that there could be
        known = cause(error) if isinstance(error, OSError) else None
        raise _unjoined(at, known.said if known else str(error)) from error
    if not is_head and not speaks_tls():
        raise RemoteError(
            f"what listens at {at} does not answer as the head of a Ray cluster",
            hint="a head's port is 6379 by default; 8265 is its dashboard, 10001 is Ray Client's",
        )
    return where


def _unjoined(address: str, said: str) -> RemoteError:
    if "Version mismatch" in said:
        return RemoteError(
            f"the Ray cluster at {address} and this machine do not match: {' '.join(said.split())}",
            hint="use the cluster's Ray in the cluster's Python: pip install 'ray==VERSION'",
        )
    if "Failed to connect to Ray cluster" in said:
        return RemoteError(
            f"what listens at {address} does not answer as a Ray cluster that knows us",
            hint="is it the port of a Ray head, and is the token here (~/.ray/auth_token) the cluster's?",
        )
    return RemoteError(
        f"no Ray cluster at {address}: {(said.strip().splitlines() or ['no answer'])[0]}",
        hint="docs/cluster.md says how to start one, and its token",
    )


def check_nodes(nodes: Mapping[str, str]) -> None:
    """Check that every node of `nodes` (names by Ray's ids) can run this tool, in our version.

    This needs no resources of a node, so a busy one answers, too. Raise UsageError, naming the nodes with another
    version or without the tool, RemoteError if one does not answer.
    """
    asked = {number: _told_by(number) for number in nodes}
    answered, _ = ray.wait(list(asked.values()), num_returns=len(asked), timeout=_PLACED_S)
    found: dict[str, Facts] = {}
    for number, answer in asked.items():
        if answer not in answered:
            raise RemoteError(
                f"node {nodes[number]} does not answer",
                hint="look at it with `ray status`, and take it out of the cluster or start it again",
            )
        found[nodes[number]] = _facts(nodes[number], answer)
    check_versions(found)


def _told_by(number: str) -> Any:
    where = NodeAffinitySchedulingStrategy(number, soft=False)
    return ray.remote(num_cpus=0, max_retries=0)(facts).options(scheduling_strategy=where).remote()


def _facts(name: str, answer: Any) -> Facts:
    try:
        said: Facts = ray.get(answer, timeout=_ANSWERS_S)
    except RayError as error:
        raise UsageError(
            f"node {name} cannot run this tool: {str(error).strip().splitlines()[-1]}",
            hint="is this tool installed on every node, in the Python that Ray runs in?",
        ) from error
    return said


def names() -> dict[str, str]:
    """Return the names of the living nodes by Ray's ids: host and address, and the id if those are not unique."""
    alive = [node for node in called(ray.nodes) if node["Alive"]]
    places = [(node["NodeManagerHostname"], node["NodeManagerAddress"]) for node in alive]
    return {
        node["NodeID"]: f"{host} ({address})"
        if places.count((host, address)) == 1
        else f"{host} ({address}, {node['NodeID'][:8]})"
        for node, (host, address) in zip(alive, places, strict=True)
    }


@contextlib.contextmanager
def _placed(nodes: int, processes: int) -> Iterator[Agents]:
    """Yield agents on `nodes` nodes; they end with the block. Raise UsageError if too few nodes have room."""
    actors: tuple[Any, ...] = ()
    group = called(placement_group, [{"CPU": processes}] * nodes, strategy="STRICT_SPREAD")
    try:
        if not called(group.wait, _PLACED_S, within_s=2 * _PLACED_S):
            have = ", ".join(
                f"{node['NodeManagerAddress']} with {node['Resources'].get('CPU', 0):g}"
                for node in called(ray.nodes)
                if node["Alive"]
            )
            raise UsageError(
                f"the cluster has no {nodes} nodes with {processes} processors free each; it has {have or 'none'}",
                hint="give fewer --client-nodes or --client-processes, or add nodes",
            )
        actors = tuple(_actor(group, bundle) for bundle in range(nodes))
        with head_watched() as head:
            yield Agents(actors, _names(actors), head)
    finally:
        if not tidied(remove_placement_group, group):  # without a head, nobody else ends them for a minute
            ray.wait([actor.leave.remote() for actor in actors], num_returns=len(actors), timeout=_LEFT_S)


def head_watched() -> AbstractContextManager[Head]:
    """Watch, during the block, the head of the cluster that this process has joined."""
    head = urlsplit(f"//{ray.get_runtime_context().gcs_address}")
    return watched(head.hostname or "", head.port or _PORT)


def _actor(group: Any, bundle: int) -> Any:
    where = PlacementGroupSchedulingStrategy(group, placement_group_bundle_index=bundle)
    made = ray.remote(num_cpus=0, max_concurrency=_THREADS, max_restarts=0)(_Agent)
    return called(made.options(scheduling_strategy=where).remote)


class _Agent(Agent):
    """An agent that knows on which node it is."""

    def node(self) -> str:
        """Return the node's id in the cluster."""
        return str(ray.get_runtime_context().get_node_id())

    def leave(self) -> None:
        """End this process and everything that it has started."""
        self.forget()
        os._exit(0)


def _names(actors: tuple[Any, ...]) -> tuple[str, ...]:
    """Return the number, host and address of each node; in tests, two nodes can share host and address."""
    try:
        found: list[Facts] = ray.get([actor.facts.remote() for actor in actors], timeout=_PLACED_S)
        nodes = ray.get([actor.node.remote() for actor in actors], timeout=_PLACED_S)
    except RayError as error:
        raise RemoteError(
            f"the client nodes do not start: {str(error).strip().splitlines()[-1]}",
            hint="is this tool installed on every node, in the Python that Ray runs in?",
        ) from error
    addresses = {node["NodeID"]: node["NodeManagerAddress"] for node in called(ray.nodes)}
    pairs = enumerate(zip(found, nodes, strict=True))
    return tuple(f"{number} ({one.host}, {addresses.get(node, '?')})" for number, (one, node) in pairs)
