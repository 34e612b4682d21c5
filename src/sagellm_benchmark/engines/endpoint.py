"""A server that already runs: any OpenAI-compatible one, by its address."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sagellm_benchmark.address import Address
from sagellm_benchmark.engines import logs, model_files, packages, recognise, registry
from sagellm_benchmark.engines.base import Engine, ModelFacts, SelfReport, Server, Weights
from sagellm_benchmark.engines.gguf_facts import name_of
from sagellm_benchmark.errors import RemoteError, UsageError
from sagellm_benchmark.machine import listening, processes
from sagellm_benchmark.net.fetch import get_json

_MAX_LISTED = 20


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Opens a server that already runs. What the caller states about the model goes before what the server says."""

    base_url: str
    model: str | None = None  # None: the only model that is served
    api_key: str | None = field(default=None, repr=False)
    engine: str | None = None
    engine_version: str | None = None
    parameters: str | None = None
    precision: str | None = None
    quantization: str | None = None
    weights: Weights | None = None
    pid: int | None = None  # of its process, if we started it
    log: Path | None = None  # its log, if we started it

    @contextmanager
    def open(self) -> Iterator[Server]:
        """Yield the server that answers at the address; the key is sent only to it.

        Raise UsageError for a bad address, for a model that it does not serve, or if it is not the stated engine;
        RemoteError if no LLM server answers.
        """
        address = Address.parse(self.base_url)
        url = address.url
        cards = _served(url, self.api_key)
        card = choose_model(cards, self.model)
        engine = self._agreed(recognise.identify(url, card, api_key=self.api_key))
        said = recognise.describe(engine, url, card, api_key=self.api_key).completed(self._logged(engine))
        local, pids = self._processes(address, said)
        installed = packages.of_processes(pids, engine)
        yield Server(
            base_url=url,
            served_model=str(card["id"]),
            engine=engine,
            engine_version=self.engine_version or said.version or installed.get(packages.ENGINE),
            model=self._facts(card, said, engine, pids, local=local),
            local=local,
            pids=pids,
            device=said.device,
            parallelism=said.parallelism,
            packages=installed,
            model_folder=said.model_folder,
            api_key=self.api_key,
        )

    def _processes(self, address: Address, said: SelfReport) -> tuple[bool, tuple[int, ...]]:
        """Return whether the server runs here, and its processes: maybe a gateway with engines behind it."""
        if self.pid is None:
            return listening.places([(address.host, address.port), *said.behind])
        _, behind = listening.places(said.behind)
        return True, tuple(dict.fromkeys((self.pid, *behind)))

    def _logged(self, engine: Engine) -> SelfReport:
        if self.log is None or engine.launch is None:
            return SelfReport()
        return engine.launch.describe(logs.beginning(self.log))

    def _agreed(self, told: Engine) -> Engine:
        """Return the engine that the server says it is, or else the one that the user names.

        Raise UsageError if they contradict each other.
        """
        stated = None if self.engine is None else registry.named(self.engine)
        if stated is None or told.name == stated.name:
            return told
        if told is registry.UNKNOWN:
            return stated
        raise UsageError(
            f"--engine says {stated.name}, but the server says that it is {told.name}",
            hint="leave out --engine, or check --base-url",
        )

    def _facts(
        self, card: Mapping[str, Any], said: SelfReport, engine: Engine, pids: tuple[int, ...], *, local: bool
    ) -> ModelFacts:
        """Return what the user states, else what the server says, else what the weights show if they are here."""
        name = readable(self.model or str(card["id"]))
        words = processes.words(pids[0]) if pids else []
        place = (said.model_folder or self.model) if local else None
        files = model_files.facts(name, place, partial(engine.precision, words))
        return ModelFacts(
            name=name,
            parameters=self.parameters or said.parameters or files.parameters,
            precision=self.precision or said.precision or files.precision,
            quantization=self.quantization or said.quantization or files.quantization,
            weights=self.weights or said.weights or files.weights,
            size_bytes=said.size_bytes or files.size_bytes,
            context_length=said.context_length,
        )


def _served(url: str, api_key: str | None) -> list[dict[str, Any]]:
    """Return the entries of /v1/models that have an id. Raise RemoteError if there are none."""
    answer = get_json(f"{url}/v1/models", api_key=api_key)
    listed = answer.get("data") if isinstance(answer, dict) else None
    cards = [
        card
        for card in (listed if isinstance(listed, list) else [])
        if isinstance(card, dict) and isinstance(card.get("id"), str) and card["id"]
    ]
    if not cards:
        raise RemoteError(
            f"{url}/v1/models lists no model, so it does not look like an LLM server that is ready",
            hint="wait until the server has loaded its model, or check --base-url",
        )
    return cards


def choose_model(cards: Sequence[Mapping[str, Any]], wanted: str | None) -> Mapping[str, Any]:
    """Return the served model that `wanted` means: by its exact id, or else apart from case or folder.

    Raise UsageError, with the served models, if there is none or more than one; another model is never taken instead.
    """
    served = ", ".join(str(card["id"])[:120] for card in cards[:_MAX_LISTED])
    if wanted is None:
        if len(cards) == 1:
            return cards[0]
        raise UsageError(f"the server serves several models: {served}", hint="name one of them with --model")
    for same in (_exact, _same_name):
        found = [card for card in cards if same(str(card["id"]), wanted)]
        if len({str(card["id"]) for card in found}) == 1:
            return found[0]
        if found:
            raise UsageError(
                f"{wanted!r} may mean several of the served models: {served}",
                hint="give the whole id with --model",
            )
    raise UsageError(
        f"the server does not serve {wanted!r}; it serves {served}",
        hint="name one of those with --model, or start the server with the model that you want",
    )


def _exact(served: str, wanted: str) -> bool:
    return served == wanted


def _same_name(served: str, wanted: str) -> bool:
    """Return whether two names differ at most in case, or in an organization or folder that only one of them has."""
    one, other = served.casefold(), wanted.casefold()
    return one == other or one.endswith(f"/{other}") or other.endswith(f"/{one}")


def readable(served: str) -> str:
    """Return a readable name: the last part of a path on the server's disk, or the model's name of a GGUF file."""
    is_path = served.startswith(("/", "./", "~", ".")) or served.endswith(".gguf") or "\\" in served
    last = re.split(r"[/\\]", served.rstrip("/\\"))[-1] if is_path else served
    return name_of(Path(last)) if last.endswith(".gguf") else last
