"""The servers that are asked, and what a user can do if one of them does not answer properly."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Peer:
    """A server that is asked, and the names by which the user knows its address and its key."""

    name: str
    address: str
    key: str
    not_json: str  # what to do if it answers something else

    def status_hint(self, status: int) -> str | None:
        """Return what the user should do about an error status; None if that is not known."""
        hints = {
            401: f"a key is wanted: put it into {self.key}",
            403: f"the key may not do this: check {self.key}",
            404: f"check {self.address}",
            429: "it limits requests: wait and try again",
            503: "it may still be loading what it serves: try again in a moment",
        }
        return hints.get(status, "look at the server's log" if status >= 500 else None)


LLM_SERVER = Peer(
    "an LLM server",
    "--base-url: it is what comes before /v1, for example http://host:8000",
    "an environment variable, and name that with --api-key-env",
    "check --base-url: an OpenAI-compatible server answers JSON at /v1/models",
)
CODE_HOST = Peer(
    "the code host's API", "GITHUB_API_URL", "GITHUB_TOKEN", "check GITHUB_API_URL, and proxies in between"
)
HUB = Peer("the Hugging Face Hub", "HF_ENDPOINT", "HF_TOKEN", "check HF_ENDPOINT, and proxies in between")
