"""The code host's API: why its last workflow run failed, and the results of checks that ran elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sagellm_benchmark.address import is_loopback
from sagellm_benchmark.errors import RemoteError
from sagellm_benchmark.net.fetch import get_json, post_json
from sagellm_benchmark.net.peers import CODE_HOST

PUBLIC_HOST = "github.com"
PUBLIC_API = "https://api.github.com"
TIMEOUT_S = 10.0
MOST_JOBS = 10

BILLING = re.compile(
    r"recent\s+account\s+payments\s+have\s+failed\s+or\s+(?:your\s+)?spending\s+limit\s+needs\s+to\s+be\s+increased",
    re.IGNORECASE,
)
FALLBACK = "bash scripts/local_ci_fallback.sh --status"

_NAME = r"[A-Za-z0-9._-]+"
_REMOTE = re.compile(
    rf"(?:^|[@/])(?P<host>[\w.-]+)(?::\d+)?[:/](?P<repository>{_NAME}/{_NAME}?)(?:\.git)?/?$"
)


@dataclass(frozen=True, slots=True)
class CodeHost:
    """One repository there. The token is only ever sent in a header, over https or to this machine."""

    api: str
    repository: str
    token: str

    def last_failure(self) -> list[str]:
        """Return the annotations of the jobs of the newest finished run; empty if it passed.

        Raises RemoteError.
        """
        runs = self._list("actions/runs?per_page=1&status=completed", "workflow_runs")[:1]
        failed = [
            job
            for run in self._failed(runs)
            for job in self._failed(self._list(f"actions/runs/{run}/jobs", "jobs"))
        ]
        # A job is a check run.
        notes = (self._list(f"check-runs/{job}/annotations") for job in failed[:MOST_JOBS])
        return [str(note.get("message", "")) for found in notes for note in found]

    def post_status(self, commit: str, *, passed: bool, description: str) -> None:
        """Show a result beside the commit, under the name local-ci. Raises RemoteError."""
        state = "success" if passed else "failure"
        body = {"state": state, "context": "local-ci", "description": description[:140]}
        try:
            post_json(
                self._url(f"statuses/{commit}"), body, timeout_s=TIMEOUT_S, api_key=self.token, peer=CODE_HOST
            )
        except RemoteError as error:
            raise RemoteError(
                error.message,
                hint="push the commit first, and allow the token to write commit statuses",
            ) from error

    def _failed(self, found: Iterable[Mapping[str, Any]]) -> Iterator[int]:
        """Yield the numbers of those runs or jobs that failed."""
        for one in found:
            if one.get("conclusion") == "failure":
                if not isinstance(one.get("id"), int):
                    raise self._odd()
                yield one["id"]

    def _list(self, what: str, name: str | None = None) -> list[Mapping[str, Any]]:
        """Return the objects that are listed there, under a name where it has one.

        Raises RemoteError for anything else.
        """
        answer = get_json(self._url(what), timeout_s=TIMEOUT_S, api_key=self.token, peer=CODE_HOST)
        if name is not None:
            answer = answer.get(name) if isinstance(answer, dict) else None
        if not isinstance(answer, list) or not all(isinstance(one, dict) for one in answer):
            raise self._odd()
        return answer

    def _odd(self) -> RemoteError:
        return RemoteError(
            f"{self.api} does not answer as the code host's API does", hint="check GITHUB_API_URL"
        )

    def _url(self, what: str) -> str:
        return f"{self.api}/repos/{self.repository}/{what}"


def code_host(environ: Mapping[str, str], remote: str) -> CodeHost | None:
    """Return the code host that `remote` (a git URL) and the environment name; None without a token or an API's
    address.

    Raises RemoteError if the token would travel unencrypted.
    """
    token = environ.get("GITHUB_TOKEN") or environ.get("GH_TOKEN")
    host, repository = parse_remote(remote)
    repository = environ.get("GITHUB_REPOSITORY") or repository
    api = (environ.get("GITHUB_API_URL") or (PUBLIC_API if host == PUBLIC_HOST else "")).rstrip("/")
    if not (token and repository and api):
        return None
    address = urlsplit(api)
    if address.scheme != "https" and not is_loopback(address.hostname or ""):
        raise RemoteError(f"the token is not sent to {api}: it is not https", hint="correct GITHUB_API_URL")
    return CodeHost(api, repository, token)


def parse_remote(remote: str) -> tuple[str | None, str | None]:
    """Host and owner/name of a git URL, https or ssh; (None, None) for a folder or anything else."""
    found = _REMOTE.search(remote) if "://" in remote or "@" in remote else None
    return (found["host"], found["repository"].removesuffix(".git")) if found else (None, None)


def is_billing(lines: Iterable[str]) -> bool:
    """Return whether the code host says that it starts no jobs until somebody pays."""
    return BILLING.search(" ".join(" ".join(lines).split())) is not None
