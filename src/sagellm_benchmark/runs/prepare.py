"""Before a run: ask the server what it can do, and make prompts that have the right number of tokens there."""

from __future__ import annotations

from pathlib import Path

from sagellm_benchmark.client.terms import Target
from sagellm_benchmark.engines import counting
from sagellm_benchmark.engines.base import Server
from sagellm_benchmark.engines.capability import PROBE_TIMEOUT_S, choose_api
from sagellm_benchmark.errors import UsageError
from sagellm_benchmark.machine.hardware import Hardware
from sagellm_benchmark.runs.context import HERE, Context, Sender
from sagellm_benchmark.runs.spec import LoadShape, RunSpec
from sagellm_benchmark.workload.sources import RANDOM, open_source
from sagellm_benchmark.workload.traces import TraceSource
from sagellm_benchmark.workload.workloads import Workload


def prepare(
    server: Server,
    workload: Workload,
    shape: LoadShape,
    spec: RunSpec,
    hardware: Hardware,
    folder: Path,
    sender: Sender = HERE,
) -> Context:
    """Ask the server what it can do, and make prompts that have the right number of tokens there.

    Raise UsageError if its context is too short for the workload, RemoteError if it does not answer.
    """
    if spec.dataset == RANDOM:
        _check_room(server, workload.name, workload.context_tokens)
    timeout = min(PROBE_TIMEOUT_S, spec.limits.request_s)
    capabilities = choose_api(server, spec.api, turns=workload.turns, timeout_s=timeout)
    capabilities = counting.lean(server, capabilities, workload.input_tokens)
    own_tokenizer = counting.own_tokenizer(server, spec.tokenizer)
    talkative = not capabilities.exact_output
    with server.session:  # making prompts can take hundreds of counts
        tokens = counting.plan(server, capabilities, own_tokenizer)
        source = open_source(
            spec.dataset, workload, spec.seed, tokens.prompts, talkative=talkative, cut=spec.cut
        )
    if isinstance(source, TraceSource):
        _check_room(server, source.name, source.context_tokens)
    target = Target(
        base_url=server.base_url,
        model=server.served_model,
        api=capabilities.api,
        api_key=server.api_key,
        extra=capabilities.extra,
        min_tokens=capabilities.min_tokens,
        system=capabilities.system,
        exact_output=capabilities.exact_output,
    )
    return Context(
        spec, workload, shape, server, hardware, capabilities, tokens, source, target, folder, sender
    )


def _check_room(server: Server, what: str, needed: int) -> None:
    """Raise UsageError if the longest prompt and its answer do not fit into the server's context."""
    room = server.model.context_length
    if room is not None and room < needed:
        raise UsageError(
            f"{what} needs a context of {needed} tokens; the server's is {room}",
            hint="start the server with a longer context, or choose a shorter workload",
        )
