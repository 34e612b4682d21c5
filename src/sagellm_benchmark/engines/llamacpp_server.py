"""The child process: xllamacpp's own HTTP server on a free loopback port, for as long as its parent lives.

Started as `python -m sagellm_benchmark.engines.llamacpp_server`. It reads its settings as one line of JSON from
standard input, answers with one line of JSON on standard output once it serves, and ends when standard input does.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any

from sagellm_benchmark.children import die_with


def main() -> None:
    """Serve until the parent closes our standard input or dies."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever llama.cpp prints goes to the log
    settings = json.loads(sys.stdin.readline())
    die_with(settings["parent"])
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    try:
        server = serve(settings)
    except RuntimeError as error:
        sys.exit(str(error))  # an orderly end, at which llama.cpp writes the rest of its log
    json.dump({"url": server.listening_address}, answers)
    answers.write("\n")
    answers.close()
    threading.Event().wait()


def serve(settings: dict[str, Any]) -> Any:
    """Load the model and start to listen; returns when the server answers. Raise RuntimeError when it cannot."""
    import xllamacpp  # loads 100 MB of library: only after the parent is watched

    params = xllamacpp.CommonParams()
    params.model.path = settings["path"]
    params.model_alias = {settings["alias"]}
    params.hostnames = ["127.0.0.1"]
    params.port = 0  # the system picks a free one, so there is no race for it
    params.n_parallel = settings["parallel"]
    params.n_ctx = settings["parallel"] * settings["context"]  # llama.cpp shares it out among its slots
    params.cache_ram_mib = 0  # no copies of old prompts: they cost time between requests, and memory
    params.endpoint_metrics = True
    params.ui = False
    params.endpoint_slots = False  # it would tell every prompt
    params.api_keys = [settings["api_key"]]
    params.cors_credentials = False
    params.cors_origins = ""  # a web page in some browser here must not drive it while it is measured
    # Read, not mapped: with a copy of its own in a faster layout, a mapped file would count twice as memory.
    params.load_mode = xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_NONE
    params.fit_params = _has_accelerator(
        xllamacpp
    )  # how many layers a GPU takes; without one, time for nothing
    if settings["threads"] is not None:
        params.cpuparams.n_threads = settings["threads"]
    return xllamacpp.Server(params)


def _has_accelerator(xllamacpp: Any) -> bool:
    cpu = xllamacpp.ggml_backend_dev_type.GGML_BACKEND_DEVICE_TYPE_CPU
    return any(device["type"] != cpu for device in xllamacpp.get_device_info())


def _end_with_stdin() -> None:
    """End at once when the parent's end of the pipe closes, on every system. There is nothing to clean up."""
    while os.read(0, 4096):  # not by sys.stdin, whose lock an orderly end of this process would wait for
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
