"""All servers, what was said of each, and how that compares with what they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from tests.servers import truth
from tests.servers.beyond import BEYOND
from tests.servers.case import Case, Kind
from tests.servers.honest import HONEST
from tests.servers.liars import LIARS
from tests.servers.measured import run
from tests.servers.spoilers import SPOILERS

CASES: tuple[Case, ...] = (*HONEST, *LIARS, *SPOILERS, *BEYOND)

Said = Literal["VALID", "VALID, and says what nobody knows", "INVALID"]
SAID: tuple[Said, ...] = get_args(Said)


@dataclass(frozen=True, slots=True)
class Judged:
    """A case and what came of it."""

    case: Case
    said: Said
    mistakes: tuple[str, ...]  # in the verdict, its words, or an honest server's figures

    @classmethod
    def of(cls, case: Case) -> Judged:
        """Measure the case's server."""
        server = case.server()
        result = run(server, case.setting)
        verdict, honest = result.verdict, case.kind == "honest"
        mistakes = (
            [] if verdict.valid == case.should_be_valid else [f"VALID is {verdict.valid}: {verdict.reasons}"]
        )
        found = verdict.not_checked if case.should_be_valid else verdict.reasons
        if case.words is not None and not any(case.words in one for one in found):
            mistakes.append(f"{case.words!r} is not in {found}")
        if honest:
            mistakes += truth.wrong(result.numbers, server.did[result.measured.start : result.measured.stop])
        return cls(case, _said(verdict.valid, case), tuple(mistakes))

    @classmethod
    def expected(cls, case: Case) -> Judged:
        """What should come of it."""
        return cls(case, _said(case.should_be_valid, case), ())


def _said(valid: bool, case: Case) -> Said:
    if not valid:
        return "INVALID"
    return "VALID" if case.words is None else "VALID, and says what nobody knows"


def confusion(judged: Sequence[Judged]) -> Iterator[str]:
    """Lines of a Markdown table: what servers are, and what was said of them."""
    counts = Counter((one.case.kind, one.said) for one in judged)
    yield f"| servers | {' | '.join(SAID)} |"
    yield "| --- | --- | --- | --- |"
    for kind in get_args(Kind):
        yield f"| {kind} | {' | '.join(str(counts[kind, said]) for said in SAID)} |"
