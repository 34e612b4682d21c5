"""How many tokens the server's own tokenizer finds in the texts of some answers, compared with those charged. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

THIN = 0.6  # tokens in a text / tokens charged; if fewer, the text was not merely split in another way
QUICKER = 0.75  # a step of thin answers / one of the others; real tokens without text take as long as others


@dataclass(frozen=True, slots=True)
class Recount:
    """One answer, counted twice."""

    charged: int  # tokens by the server's usage
    in_text: int  # tokens of its text
    step_s: float | None  # seconds from the first event to the last byte / tokens charged after the first

    @property
    def is_thin(self) -> bool:
        """Whether the text has far fewer tokens than were charged."""
        return self.in_text < THIN * self.charged


@dataclass(frozen=True, slots=True)
class Thin:
    """The answers whose text has far fewer tokens than were charged, if others have all of theirs."""

    count: int
    of: int  # the number of recounted answers
    per_token: float  # tokens of text / tokens charged; the median of these answers
    pace: float | None  # a step of these answers / one of the others; None if it was not measured

    @property
    def is_quick(self) -> bool:
        """Whether tokens without text came sooner than tokens with it, which shows that nobody computed them."""
        return self.pace is not None and self.pace < QUICKER


def ratio(recounts: Sequence[Recount]) -> float | None:
    """Return the tokens of all texts / the tokens charged; None if no answer was recounted."""
    charged = sum(one.charged for one in recounts)
    return sum(one.in_text for one in recounts) / charged if charged else None


def thin(recounts: Sequence[Recount]) -> Thin | None:
    """Return what the thin answers have in common; None if there are none, or no others to compare them with."""
    those, others = [one for one in recounts if one.is_thin], [one for one in recounts if not one.is_thin]
    if not (those and others):
        return None
    step_s, others_s = _step_s(those), _step_s(others)
    return Thin(
        count=len(those),
        of=len(recounts),
        per_token=median(one.in_text / one.charged for one in those),
        pace=step_s / others_s if step_s is not None and others_s else None,
    )


def _step_s(recounts: Sequence[Recount]) -> float | None:
    known = [one.step_s for one in recounts if one.step_s is not None]
    return median(known) if known else None
