"""The child process: xllamacpp's own HTTP server on a free loopback port, for as long as its parent lives.

It is started as `python -m sagellm_benchmark.engines.llamacpp_server`. It reads its settings as one line of JSON from
standard input, writes one line of JSON to standard output when it serves, and ends when standard input ends.
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
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # everything that llama.cpp prints goes to the log
    settings = json.loads(sys.stdin.readline())
    die_with(settings["parent"])
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    try:
        server = serve(settings)
    except RuntimeError as error:
        sys.exit(str(error))  # a regular exit, at which llama.cpp writes the rest of its log
    json.dump({"url": server.listening_address}, answers)
    answers.write("\n")
    answers.close()
    threading.Event().wait()


def serve(settings: dict[str, Any]) -> Any:
    """Load the model and start to listen; return the server when it answers. Raise RuntimeError if it cannot."""
    import xllamacpp  # loads a library of 100 MB, so only after the parent is watched

    params = xllamacpp.CommonParams()
    params.model.path = settings["path"]
    params.model_alias = {settings["alias"]}
    params.hostnames = ["127.0.0.1"]
    params.port = 0  # the system chooses a free port, so nobody else can take it
    params.n_parallel = settings["parallel"]
    params.n_ctx = settings["parallel"] * settings["context"]  # llama.cpp divides it among its slots
    params.cache_ram_mib = 0  # no copies of old prompts, which cost memory, and time between requests
    params.endpoint_metrics = True
    params.ui = False
    params.endpoint_slots = False  # it would reveal every prompt
    params.api_keys = [settings["api_key"]]
    params.cors_credentials = False
    params.cors_origins = ""  # a web page in a browser here must not use it while it is measured
    # Read, not mapped: llama.cpp keeps a copy in a faster layout, so a mapped file would count twice as memory.
    params.load_mode = xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_NONE
    params.fit_params = _has_accelerator(xllamacpp)  # finds how many layers a GPU takes; else a waste of time
    if settings["threads"] is not None:
        params.cpuparams.n_threads = settings["threads"]
    return xllamacpp.Server(params)


def _has_accelerator(xllamacpp: Any) -> bool:
    cpu = xllamacpp.ggml_backend_dev_type.GGML_BACKEND_DEVICE_TYPE_CPU
    return any(device["type"] != cpu for device in xllamacpp.get_device_info())


def _end_with_stdin() -> None:
    """End this process at once when the parent closes its end of the pipe; there is nothing to clean up."""
    while os.read(0, 4096):  # not by sys.stdin: a regular exit of this process would wait for its lock
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
