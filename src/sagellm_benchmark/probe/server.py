"""Which engine a server is, what it says of its model, and whether it runs on this machine."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psutil

from sagellm_benchmark.engines.gguf_facts import human_count, precision_of
from sagellm_benchmark.engines.http import StatusError, get_json, is_loopback
from sagellm_benchmark.errors import RemoteError

UNKNOWN_ENGINE = "openai"
_PROBE_TIMEOUT_S = 5.0
_OWNERS = {
    "vllm": "vllm",
    "sglang": "sglang",
    "lmdeploy": "lmdeploy",
    "llamacpp": "llama.cpp",
    "llama.cpp": "llama.cpp",
    "sagellm": "sagellm",
}
_DTYPES = {
    "bfloat16": "BF16",
    "float16": "FP16",
    "half": "FP16",
    "float32": "FP32",
    "float": "FP32",
    "fp8": "FP8",
    "w8a8_fp8": "FP8",
    "w8a8_int8": "INT8",
}
_TUNNELS = {"ssh", "autossh", "kubectl", "socat"}  # what listens here answers from elsewhere
_FORWARDERS = {"docker-proxy", "rootlessport", "pasta", "slirp4netns"}  # into a container on this machine
_VERSION = re.compile(r"v?\d+(\.\d+)+[-+.\w]{0,60}|b\d{2,7}(-[0-9a-f]{6,40})?")
_GGML_TYPE = re.compile(r"\b(I?Q\d\w*|BF16|F16|F32)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Identity:
    """What a server says of itself; `None` where it says nothing."""

    engine: str
    version: str | None = None
    parameters: str | None = None
    precision: str | None = None
    quantization: str | None = None
    size_bytes: int | None = None
    context_length: int | None = None


def identify(base_url: str, card: Mapping[str, Any], *, api_key: str | None = None) -> Identity:
    """Who serves the model that `card` (its entry in /v1/models) describes: by its word, else by its own endpoints."""
    engine = _OWNERS.get(str(card.get("owned_by", "")).strip().lower())

    def ask(path: str) -> dict[str, Any]:
        return _object(f"{base_url}{path}", api_key)

    if engine in {"sglang", None}:
        info = ask("/get_server_info") or ask("/server_info")
        if engine == "sglang" or "tp_size" in info or "server_args" in info:
            return _sglang(card, info)
    if engine in {"llama.cpp", None}:
        props = ask("/props")
        if engine == "llama.cpp" or "default_generation_settings" in props:
            return _llamacpp(card, props)
    if engine is None:
        return Identity(UNKNOWN_ENGINE, context_length=_count(card.get("max_model_len")))
    return Identity(
        engine,
        version=_version(ask("/version").get("version")),
        context_length=_count(card.get("max_model_len")),
    )


def _object(url: str, api_key: str | None) -> dict[str, Any]:
    """The JSON object at `url`; empty where there is none, since not every engine has every endpoint."""
    try:
        value = get_json(url, timeout_s=_PROBE_TIMEOUT_S, api_key=api_key)
    except (StatusError, RemoteError):
        return {}
    return value if isinstance(value, dict) else {}


def _sglang(card: Mapping[str, Any], info: Mapping[str, Any]) -> Identity:
    """SGLang tells its arguments; newer versions nest them under `server_args`."""
    nested = info.get("server_args")
    arguments = {**(nested if isinstance(nested, dict) else {}), **info}
    quantization = _word(arguments.get("quantization"))
    dtype = _DTYPES.get(str(quantization or arguments.get("dtype")).lower())
    return Identity(
        "sglang",
        version=_version(arguments.get("version")),
        precision=dtype,
        quantization=quantization.upper() if quantization else None,
        context_length=_count(card.get("max_model_len")) or _count(arguments.get("context_length")),
    )


def _llamacpp(card: Mapping[str, Any], props: Mapping[str, Any]) -> Identity:
    """llama.cpp tells the parameter count, the bytes and the type of the weights in the model's `meta`."""
    meta = card.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    parameters = _count(meta.get("n_params"))
    found = _GGML_TYPE.search(str(meta.get("ftype") or props.get("model_ftype") or ""))
    kind = found.group(1).upper() if found else None
    return Identity(
        "llama.cpp",
        version=_version(props.get("build_info")),
        parameters=human_count(parameters) if parameters else None,
        precision=precision_of(kind) if kind else None,
        quantization=kind if kind and "Q" in kind else None,
        size_bytes=_count(meta.get("size")),
        context_length=_count(meta.get("n_ctx")),
    )


def _version(value: object) -> str | None:
    """A version as engines write them (0.11.0rc2, b6500-abc123); anything else is not one."""
    text = str(value or "").strip()
    return text.removeprefix("v") if _VERSION.fullmatch(text) and not text.startswith("b0-") else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**60 else None


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and re.fullmatch(r"[\w.+-]{1,40}", value) else None


def is_local(host: str) -> bool:
    """Whether `host` is this machine: loopback, or an address of one of its own interfaces."""
    if is_loopback(host):
        return True
    own = {_address(entry.address) for entries in psutil.net_if_addrs().values() for entry in entries}
    try:
        found = {_address(str(info[4][0])) for info in socket.getaddrinfo(host.strip("[]"), None)}
    except (OSError, UnicodeError):
        return False
    return bool(found) and all(
        address is not None and (address in own or address.is_loopback) for address in found
    )


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An interface's address; None for a hardware address."""
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


def place(host: str, port: int) -> tuple[bool, int | None]:
    """Whether the server at `host` runs on this machine, and its process there, where the system lets us see it."""
    if not is_local(host):
        return False, None
    pid = listening_pid(port)
    name = _process_name(pid)
    if name in _TUNNELS:
        return False, None
    return True, None if name in _FORWARDERS else pid


def listening_pid(port: int) -> int | None:
    """The process that listens on a TCP port of this machine; of several, the one that started the others."""
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:
        return None  # macOS wants root for this
    pids = {
        connection.pid
        for connection in connections
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
    }
    known = {pid for pid in pids if pid is not None}
    first = {pid for pid in known if _parent(pid) not in known}
    return first.pop() if len(first) == 1 else None


def _parent(pid: int) -> int | None:
    try:
        return psutil.Process(pid).ppid()
    except psutil.Error:
        return None


def _process_name(pid: int | None) -> str | None:
    try:
        return None if pid is None else psutil.Process(pid).name()
    except psutil.Error:
        return None
