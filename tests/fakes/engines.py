"""Stand-ins for real engines, by name: scripts that behave as was recorded of the real ones serving SmolLM2-135M.

`nox -s engines` holds them against the real ones, so that they cannot drift.
"""

from __future__ import annotations

from tests.fakes.openai_server import Script

_ASKED = ("model", "messages", "prompt", "max_tokens", "stream", "stream_options", "temperature")

STAND_INS: dict[str, Script] = {
    # Streams only chats, without usage whatever is asked; ignores every field that it does not know, and ends answers
    # as it likes, always for the reason "stop"; whole answers carry usage; /info tells of the latest stream.
    "sagellm": Script(
        owned_by="sageLLM",
        version=None,
        tokenizer=False,
        streams=("chat",),
        usage_in_streams=False,
        template_tokens=30,
        system_tokens=16,
        goes_on=False,
        ends_after=45,
        finish="stop",
        info=True,
        ttft_s=0.03,
        itl_s=0.001,
    ),
    # Says everything that can be asked.
    "vllm": Script(
        owned_by="vllm", version="0.32.0", template_tokens=30, system_tokens=16, ttft_s=0.03, itl_s=0.001
    ),
    # Refuses what the API's inventor does not have; its streams carry usage unasked; whoever owns the model is local.
    "transformers": Script(
        owned_by="local",
        paths=("/v1/chat/completions", "/v1/completions", "/load_model", "/reset"),
        version=None,
        tokenizer=False,
        takes=_ASKED,
        usage_unasked=True,
        template_tokens=30,
        system_tokens=16,
        ends_after=45,
        ttft_s=0.03,
        itl_s=0.001,
    ),
    # No usage in streams; counts a text at an address of its own.
    "llama-cpp-python": Script(
        owned_by="me",
        version="0.3.36",
        title="🦙 llama.cpp Python API",
        tokenizer=False,
        count_path=True,
        usage_in_streams=False,
        template_tokens=30,
        system_tokens=16,
        ends_after=45,
        ttft_s=0.03,
        itl_s=0.001,
    ),
}
