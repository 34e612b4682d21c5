"""What the Hub's answers mean to us. They are judged by status: wording and classes change between releases."""

from __future__ import annotations

from urllib.parse import urlsplit

from sagellm_benchmark.errors import RemoteError, UsageError
from sagellm_benchmark.hub.store import Ambiguous, Busy, Stale
from sagellm_benchmark.huggingface.endpoint import is_private_way
from sagellm_benchmark.huggingface.outcomes import Answer, NoAnswer, NotAsked


def judged(what: Answer | NoAnswer | NotAsked, said: str, repo: str, verb: str) -> Exception:
    """Return the error for the Hub's answer, or for none; `said` says what could not be done."""
    if isinstance(what, NotAsked):
        return RemoteError(f"{said}: {what}; nothing was sent", hint=what.hint or permission(repo, verb))
    if isinstance(what, NoAnswer):
        return Ambiguous(
            f"{said}: no usable answer ({what})", hint="check the network and HF_ENDPOINT, then try again"
        )
    return _status(what, f"{said}: {what}", repo, verb)


def _status(answer: Answer, said: str, repo: str, verb: str) -> Exception:
    if answer.status in (409, 412):
        return Stale(said, hint="somebody else is publishing; try again in a minute")
    if answer.status in (429, 503) or answer.code == "RevisionNotFound":  # a replica may lag behind
        return Busy(said, hint="the Hub is busy; try again later", retry_after_s=answer.retry_after_s)
    if answer.status >= 500 or answer.status == 408:
        return Ambiguous(said, hint="the Hub has a problem; try again later")
    if answer.status in (401, 403, 404):
        return RemoteError(said, hint=permission(repo, verb))
    return RemoteError(said, hint="look at https://status.huggingface.co, then report it")


def says_no_dataset(answer: Answer) -> bool:
    """Return whether there is no such dataset, or none that the asker may see."""
    return answer.code == "RepoNotFound" and answer.status in (401, 404)


def hides(answer: Answer) -> bool:
    """Return whether asking again with a token may get another answer."""
    return answer.status in (401, 403) or says_no_dataset(answer)


def permission(repo: str, verb: str = "write") -> str:
    """Return what to do for somebody who lacks the right to read or write."""
    return (
        f"give a token that may {verb} datasets/{repo}: HF_TOKEN, `hf auth login`, "
        "or in Actions HF_OIDC_RESOURCE with `id-token: write`"
    )


def check_endpoint(endpoint: str) -> None:
    """Raise UsageError if the address is malformed, or if others on the network could read what is sent to it."""
    try:
        parts = urlsplit(endpoint)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise UsageError("HF_ENDPOINT is not a web address", hint="it looks like https://huggingface.co")
    if not is_private_way(endpoint):
        raise UsageError(
            "HF_ENDPOINT begins with http://, where anybody on the way can read and change what is sent",
            hint="write it with https://; http:// is for this machine alone",
        )
