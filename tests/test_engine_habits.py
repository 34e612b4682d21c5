"""The stand-ins do what was recorded of the real engines; `nox -s engines` asks those the same questions."""

from __future__ import annotations

import sys

import pytest

from tests.fakes.engines import STAND_INS
from tests.fakes.openai_server import serving
from tests.house import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

from engine_habits import observe

LIKE_VLLM = {
    "owned_by": "vllm",
    "tells its version": True,
    "counts at /tokenize": True,
    "counts at /extras/tokenize/count": False,
    "lists its engines at /info": False,
    "status for ignore_eos": 200,
    "streams completions": True,
    "usage in a stream": True,
    "usage unasked": False,
    "usage in a whole answer": True,
    "why a cut chat ended": "length",
    "why a cut completion ended": "length",
    "the template adds tokens": True,
    "an empty system message makes it shorter": True,
    "a second request cuts the first": False,
}
RECORDED = {
    "vllm": LIKE_VLLM,
    "sagellm": LIKE_VLLM
    | {
        "owned_by": "sagellm",
        "tells its version": False,
        "counts at /tokenize": False,
        "lists its engines at /info": True,
        "streams completions": False,
        "usage in a stream": False,
        "why a cut chat ended": "stop",
        "why a cut completion ended": None,
    },
    "transformers": LIKE_VLLM
    | {
        "owned_by": "local",
        "tells its version": False,
        "counts at /tokenize": False,
        "status for ignore_eos": 422,
        "usage unasked": True,
    },
    "llama-cpp-python": LIKE_VLLM
    | {
        "owned_by": "me",
        "tells its version": False,
        "counts at /tokenize": False,
        "counts at /extras/tokenize/count": True,
        "usage in a stream": False,
    },
}


@pytest.mark.parametrize("name", STAND_INS)
def test_a_stand_in_behaves_as_the_engine_was_recorded(name: str) -> None:
    with serving(STAND_INS[name]) as server:
        assert observe(server.base_url) == RECORDED[name]
