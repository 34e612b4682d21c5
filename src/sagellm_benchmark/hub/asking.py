"""Ask a dataset's server: within limits, with a token only if it must be, with errors in our own words."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from sagellm_benchmark.errors import RemoteError
from sagellm_benchmark.hub import answers
from sagellm_benchmark.huggingface.calls import call
from sagellm_benchmark.huggingface.endpoint import is_private_way, shown
from sagellm_benchmark.huggingface.library import library
from sagellm_benchmark.huggingface.outcomes import Answer, NoAnswer, NotAsked

T = TypeVar("T")


class Asker:
    """Puts questions about one dataset to the server at `endpoint`.

    Each silence of the server is limited to `timeout_s`; a whole question to six times that, plus `more_s` for bytes.
    """

    def __init__(self, repo: str, endpoint: str, timeout_s: float) -> None:
        self.repo = repo
        self.endpoint = endpoint
        self.timeout_s = timeout_s
        self.hidden = False  # the dataset shows nothing without a token

    @property
    def name(self) -> str:
        """The dataset's address, without what a person may have put before an @ in HF_ENDPOINT."""
        return f"{shown(self.endpoint)}/datasets/{self.repo}"

    def reading(self, work: Callable[[Any], T], more_s: float = 0.0) -> T:
        """Run `work` without a token, and again with one if the Hub shows nothing to those who have none."""

        def run(api: Any) -> T:
            try:
                return work(api)
            except Answer as answer:
                if api.token or not answers.hides(answer) or not self._has_token():
                    raise
            self.hidden = True
            return work(library().HfApi(endpoint=self.endpoint, token=True))

        return self.call(run, "read", more_s)

    def call(self, work: Callable[[Any], T], verb: str, more_s: float = 0.0) -> T:
        """Run `work` with the library's client; raise what went wrong as errors in our own words."""

        def run() -> T:
            return work(library().HfApi(endpoint=self.endpoint, token=verb == "write" or self.hidden))

        try:
            return call(run, timeout_s=self.timeout_s, total_s=6 * self.timeout_s + more_s)
        except (Answer, NoAnswer, NotAsked) as what:
            raise answers.judged(what, f"could not {verb} {self.name}", self.repo, verb) from what

    def head(self, api: Any) -> str | None:
        """Return the newest commit's id; None if the Hub says that there is no such dataset."""
        try:
            sha = api.repo_info(self.repo, repo_type="dataset", timeout=self.timeout_s, expand=["sha"]).sha
        except Answer as answer:
            if answers.says_no_dataset(answer) and (api.token or answer.status == 404):
                if not api.token and self._has_token():
                    raise  # it may be there for those who show a token
                return None
            raise
        if not isinstance(sha, str) or not re.fullmatch(r"[0-9a-f]{40,64}", sha):
            raise NoAnswer("the dataset has no commit id")
        return sha

    def need_token(self) -> None:
        """Raise RemoteError if there is no token to write with."""
        if self.call(lambda _: library().get_token(), "write") is None:
            raise RemoteError(
                f"no token to write to {self.name}; nothing was sent", hint=answers.permission(self.repo)
            )

    def token(self) -> str | None:
        """Return the token that reading needs; None if the dataset is shown without one."""
        return self.call(lambda _: library().get_token(), "read") if self.hidden else None

    def _has_token(self) -> bool:
        return is_private_way(self.endpoint) and library().get_token() is not None
