"""Tombstones: the dataset's signed statements that withdraw rows, kept for good beside the submissions.

A statement is an in-toto Statement v1 whose subject is a row's own file. It counts if its signature is valid, and by
somebody who signed the row's evidence, or whom `maintainers` in the dataset's signers.json names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from sagellm_benchmark.board.entry import Entry
from sagellm_benchmark.board.identity import slug, submission_path
from sagellm_benchmark.board.standing import Standing, Withdrawal, Withdrawals
from sagellm_benchmark.errors import DataError, UsageError
from sagellm_benchmark.files import to_json
from sagellm_benchmark.hub.accepted import submission_file
from sagellm_benchmark.hub.blobs import sha256
from sagellm_benchmark.hub.bundles import Identifier, signature_lines
from sagellm_benchmark.hub.store import SUBMISSIONS, WITHDRAWN

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://github.com/intellistream/sagellm-benchmark/withdrawal/v1"
MOST_REASON = 500
_MOST_LINES = 16


@dataclass(frozen=True, slots=True)
class Tombstones:
    """What the tombstones of a dataset say: rows `withdrawn` by those that count, and what is wrong with the others.

    `unchecked` says why some could not be checked; for those rows, what was known before counts.
    """

    withdrawn: Withdrawals = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()


def tombstone_path(entry: Entry) -> str:
    """Return the path of a row's tombstones, a file with one on each line."""
    return f"{WITHDRAWN}{submission_path(entry.row).removeprefix(SUBMISSIONS)}l"


def statement(entry: Entry, reason: str) -> bytes:
    """Return the statement to be signed. Equal rows and reasons give equal bytes.

    Raise UsageError for a reason that is empty, longer than 500 characters, or more than a line of plain text.
    """
    if not reason.strip() or len(reason) > MOST_REASON or not reason.isprintable():
        raise UsageError(
            f"a reason is one line of plain text of at most {MOST_REASON} characters",
            hint="give one: --reason '…'",
        )
    subject = {"name": submission_path(entry.row), "digest": {"sha256": sha256(submission_file(entry))}}
    return to_json(
        {
            "_type": STATEMENT_TYPE,
            "subject": [subject],
            "predicateType": PREDICATE_TYPE,
            "predicate": {"entry_id": entry.entry_id, "reason": reason},
        }
    )


def tombstone(said: bytes, signature: bytes) -> bytes:
    """Return a signed statement as one line."""
    return orjson.dumps({"statement": orjson.loads(said), "signature": orjson.loads(signature)})


def withdrawal(
    entry: Entry, line: bytes, standing: Standing, enrolled: bytes | None, identify: Identifier
) -> Withdrawal:
    """Return the withdrawal that a tombstone states for this row.

    Raise DataError if it is damaged, about something else, not validly signed, or signed by nobody who may withdraw
    the row; UsageError if a library that the check needs is missing.
    """
    try:
        value = orjson.loads(line)
        reason, signature = value["statement"]["predicate"]["reason"], orjson.dumps(value["signature"])
        said = to_json(value["statement"])
        about = statement(entry, reason)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError, UsageError) as error:
        raise DataError("a tombstone is damaged") from error
    if said != about:
        raise DataError("a tombstone is about something other than this row")
    by = identify(sha256(said), signature, enrolled)
    if by not in _may_withdraw(entry, standing, enrolled):
        raise DataError(
            f"{by} neither signed the row nor is a maintainer of the dataset; nothing was withdrawn",
            hint="ask who signed it, or somebody whom `maintainers` in signers.json names",
        )
    return Withdrawal(slug(entry.identity), by, reason)


def tombstones(
    files: Mapping[str, bytes],
    rows: Iterable[Entry],
    standing: Standing,
    enrolled: bytes | None,
    identify: Identifier,
) -> Tombstones:
    """Return what the tombstones in these files say about `rows`, the accepted rows of their dataset."""
    if not files:  # naming the tombstone of each row would take seconds
        return Tombstones()
    about = {tombstone_path(entry): entry for entry in rows}
    found: dict[str, frozenset[Withdrawal]] = {}
    problems = [f"{path} is about no accepted row" for path in files if path not in about]
    unchecked: list[str] = []
    for path in sorted(files.keys() & about.keys()):
        entry = about[path]
        for line in signature_lines(files[path])[:_MOST_LINES]:
            try:
                one = withdrawal(entry, line, standing, enrolled, identify)
            except DataError as error:
                problems.append(f"{path} has no effect: {error.message}")
            except UsageError as error:
                unchecked.append(f"{path} was not looked at: {error.message}")
                found[entry.entry_id] = standing.withdrawn.get(entry.entry_id, frozenset())
            else:
                found[entry.entry_id] = found.get(entry.entry_id, frozenset()) | {one}
    return Tombstones({name: of for name, of in found.items() if of}, tuple(problems), tuple(unchecked))


def unlike(found: Withdrawals, known: Withdrawals) -> Iterator[str]:
    """Yield in words where the known withdrawals differ from those that the tombstones give."""
    for name in sorted(known.keys() - found.keys()):
        yield f"row {name} is kept off the board, and no tombstone that counts withdraws it"
    for name in sorted(found.keys() - known.keys()):
        yield f"row {name} has a tombstone that counts, and is not known to be withdrawn"


def _may_withdraw(entry: Entry, standing: Standing, enrolled: bytes | None) -> frozenset[str]:
    fact = standing.facts.get(entry.entry_id)
    own = fact.proved if fact is not None and fact.configuration == slug(entry.identity) else None
    return (own.signers if own is not None else frozenset()) | _maintainers(enrolled)


def _maintainers(enrolled: bytes | None) -> frozenset[str]:
    try:
        value: Any = orjson.loads(enrolled or b"{}")
        named = value.get("maintainers", [])
        return frozenset(one for one in named if isinstance(one, str))
    except (orjson.JSONDecodeError, AttributeError, TypeError) as error:
        raise DataError("signers.json is damaged", hint="restore it from the history") from error
