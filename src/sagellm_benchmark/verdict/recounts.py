"""What the server's own tokenizer finds in the texts of some answers, beside what was charged for them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

THIN = 0.6  # tokens in a text for each token charged: fewer is no other way to split it
QUICKER = 0.75  # a step of thin answers ÷ one of the others: tokens without text take as long as others


@dataclass(frozen=True, slots=True)
class Recount:
    """One answer, counted twice."""

    charged: int  # tokens, by the server's usage
    in_text: int  # tokens of its text
    step_s: float | None  # from the first event to the last byte, for each token charged after the first

    @property
    def is_thin(self) -> bool:
        """Whether the text has far fewer tokens than were charged."""
        return self.in_text < THIN * self.charged


@dataclass(frozen=True, slots=True)
class Thin:
    """The answers whose text has far fewer tokens than were charged, where others have all of theirs."""

    count: int
    of: int  # answers recounted
    per_token: float  # tokens of text for each token charged, their median
    pace: float | None  # a step of theirs ÷ one of the others; None where it was not measured

    @property
    def is_quick(self) -> bool:
        """Whether tokens without text came sooner than tokens with it, as only tokens do that nobody computed."""
        return self.pace is not None and self.pace < QUICKER


def ratio(recounts: Sequence[Recount]) -> float | None:
    """Return the tokens of all texts for each token charged; None where none was recounted."""
    charged = sum(one.charged for one in recounts)
    return sum(one.in_text for one in recounts) / charged if charged else None


def thin(recounts: Sequence[Recount]) -> Thin | None:
    """Return the thin ones; None where there are none, or no others to hold them against."""
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
