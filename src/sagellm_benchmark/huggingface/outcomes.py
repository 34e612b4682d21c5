"""How a question to the Hub can end, before anybody judges what that means."""

from __future__ import annotations


class Answer(Exception):  # noqa: N818 - what the Hub said, before anybody has judged it
    """The Hub answered with an error status. `code` is its `X-Error-Code`, `retry_after_s` the wait it asked for."""

    def __init__(self, status: int, code: str, retry_after_s: float | None) -> None:
        super().__init__(f"HTTP {status}{f' ({code})' if code else ''}")
        self.status = status
        self.code = code
        self.retry_after_s = retry_after_s

    @property
    def says_absent(self) -> bool:
        """Whether the Hub knows the commit, and says that this path is not in it."""
        return self.status == 404 and self.code == "EntryNotFound"


class NoAnswer(Exception):  # noqa: N818 - nobody knows yet whether it is an error
    """No usable answer came: no connection, a cut or unreadable reply, a timeout, or offline mode."""


class NotAsked(Exception):  # noqa: N818 - a matter of this machine's settings
    """The library did not even ask: it was told to stay offline (see `hint`), or has no token that can be sent."""

    def __init__(self, why: str, hint: str | None = None) -> None:
        super().__init__(why)
        self.hint = hint
