"""What the Hub answers is not believed, and what we get wrong ourselves is not put down to it."""

from __future__ import annotations

from typing import Any

import pytest

from sagellm_benchmark.engines.hub_weights import look_up
from sagellm_benchmark.errors import RemoteError
from sagellm_benchmark.huggingface.calls import call
from sagellm_benchmark.huggingface.library import library
from sagellm_benchmark.huggingface.outcomes import NoAnswer
from tests.fakes.routes import serving

LIMITS = {"timeout_s": 30.0, "total_s": 60.0}


@pytest.mark.parametrize("bug", [lambda: len(5), lambda: {}["no"], lambda: None.none, lambda: int("x")])  # type: ignore[arg-type, attr-defined, index]
def test_a_mistake_of_our_own_stays_one(bug: Any) -> None:
    with pytest.raises((TypeError, LookupError, AttributeError, ValueError)):
        call(bug, **LIMITS)


@pytest.mark.parametrize(
    "answer",
    [
        [],
        "text",
        5,
        {"siblings": 5},
        {"siblings": [5]},
        {"siblings": [{"size": 5}]},
        {"id": "me/it", "sha": 5, "siblings": [{"rfilename": "it-Q4_0.gguf", "size": "large"}], "tags": 5},
    ],
    ids=repr,
)
def test_odd_json_is_an_unusable_answer(answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving({"GET /api/models/me/it?blobs=true": (200, answer)}) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.base_url)
        with pytest.raises(RemoteError, match=r"cannot be read|did not name a commit") as caught:
            look_up("me/it", None)
    assert caught.value.hint


def test_a_hub_that_is_not_there_is_named_with_the_reason() -> None:
    with pytest.raises(NoAnswer, match="connection refused"):
        call(lambda: library().HfApi(endpoint="http://127.0.0.1:1").model_info("me/it"), **LIMITS)
