"""The code host's API: why its last workflow run failed, and the results of checks that ran elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sagellm_benchmark.errors import RemoteError
from sagellm_benchmark.net import get_json, is_loopback, post_json

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
        """What the jobs of the newest finished run were annotated with; empty where it passed. Raises RemoteError."""
        try:
            return self._annotations()
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise RemoteError(f"{self.api} does not answer as the code host's API does") from error

    def _annotations(self) -> list[str]:
        runs = self._get("actions/runs?per_page=1&status=completed").get("workflow_runs") or []
        if not runs or runs[0].get("conclusion") != "failure":
            return []
        jobs = self._get(f"actions/runs/{int(runs[0]['id'])}/jobs").get("jobs") or []
        failed = [int(job["id"]) for job in jobs if job.get("conclusion") == "failure"][:MOST_JOBS]
        notes = (self._get(f"check-runs/{job}/annotations") for job in failed)  # a job is a check run
        return [str(note.get("message", "")) for found in notes for note in found]

    def post_status(self, commit: str, *, passed: bool, description: str) -> None:
        """Show a result beside the commit, under the name local-ci. Raises RemoteError."""
        state = "success" if passed else "failure"
        body = {"state": state, "context": "local-ci", "description": description[:140]}
        try:
            post_json(self._url(f"statuses/{commit}"), body, timeout_s=TIMEOUT_S, api_key=self.token)
        except RemoteError as error:
            raise RemoteError(
                error.message,
                hint="push the commit first, and give the token leave to write commit statuses",
            ) from error

    def _get(self, what: str) -> Any:
        return get_json(self._url(what), timeout_s=TIMEOUT_S, api_key=self.token)

    def _url(self, what: str) -> str:
        return f"{self.api}/repos/{self.repository}/{what}"


def code_host(environ: Mapping[str, str], remote: str) -> CodeHost | None:
    """The code host that `remote` (a git URL) and the environment name; None without a token or an API's address.

    Raises RemoteError where the token would travel unencrypted.
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
    """Whether the code host says that it starts no jobs until somebody pays."""
    return BILLING.search(" ".join(" ".join(lines).split())) is not None
