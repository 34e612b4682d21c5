"""The file in which a dataset keeps what it knows about its rows: written and read in one place. Pure."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from sys import intern
from typing import Any

import orjson

from sagellm_benchmark.board.agreement import Interval, Measured
from sagellm_benchmark.board.entry import loaded
from sagellm_benchmark.board.folder import STANDING
from sagellm_benchmark.board.rules import MOMENT
from sagellm_benchmark.board.standing import LATER, Fact, Proved, Standing, Withdrawal
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import to_json

VERSION = 2
"""Version history. 1: rows by id, each with its number, its time of publication and what its evidence says.
2: withdrawals as well; a file without any is written as 1, so that older versions of this tool can read it."""


def parse(content: bytes | None) -> Standing:
    """Return what the dataset's file says; an empty standing for None. Raise DataError if it is damaged."""
    if content is None:
        return Standing()
    try:
        value = loaded(STANDING, content)
        withdrawn = {str(name): _withdrawals(said) for name, said in value.get("withdrawn", {}).items()}
        return Standing({str(name): _fact(row) for name, row in value["rows"].items()}, withdrawn)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"{STANDING} is damaged: {error!r}", hint="restore it from its last good version"
        ) from error


def to_bytes(standing: Standing) -> bytes:
    """Return the file's bytes: the same for the same facts."""
    file = BytesIO()
    said = {name: [one._asdict() for one in sorted(of)] for name, of in sorted(standing.withdrawn.items())}
    head = {"schema_version": VERSION, "withdrawn": said} if said else {"schema_version": 1}
    file.write(to_json({**head, "rows": {}}).removesuffix(b"}\n}\n"))
    between = b"\n"
    # one by one, because all rows as one object would take ten times the memory of their text
    for name, fact in sorted(standing.facts.items()):
        row = to_json(_row(fact)).removesuffix(b"\n").replace(b"\n", b"\n    ")
        file.write(between + b"    " + orjson.dumps(name) + b": " + row)
        between = b",\n"
    file.write(b"}\n}\n" if between == b"\n" else b"\n  }\n}\n")
    return file.getvalue()


def _row(fact: Fact) -> dict[str, Any]:
    row: dict[str, Any] = {
        "number": fact.number,
        "published_at": fact.published_at,
        "configuration": fact.configuration,
    }
    if fact.proved is not None:
        measured = fact.proved.throughput
        row["evidence"] = {
            "throughput_tps": measured.value,
            "interval": measured.interval and list(measured.interval),
            "signers": sorted(fact.proved.signers),
        }
        late = {name: since for name, since in fact.proved.since.items() if since != fact.number}
        if late:
            row["evidence"]["signed_after"] = dict(sorted(late.items()))
    return row


def _fact(row: Any) -> Fact:
    evidence = row.get("evidence")
    fact = Fact(_number(row["number"]), _moment(row["published_at"]), str(row["configuration"]))
    if evidence is None:
        return fact
    measured = Measured(float(evidence["throughput_tps"]), _interval(evidence["interval"]))
    signers = frozenset(map(str, evidence["signers"]))
    late = {str(name): _number(since) for name, since in evidence.get("signed_after", {}).items()}
    since = {name: late.get(name, fact.number) for name in signers}
    return replace(fact, proved=Proved(measured, signers, since))


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value < LATER:
        raise ValueError(f"{value!r} is no number of a row")
    return value


def _moment(value: Any) -> str:
    """Return a time as this tool writes it; '' if it was not known."""
    if value != "" and not MOMENT.accepts(value):
        raise ValueError(f"{value!r} is no time")
    return intern(str(value).upper())


def _withdrawals(said: Any) -> frozenset[Withdrawal]:
    return frozenset(
        Withdrawal(str(one["configuration"]), str(one["by"]), str(one["reason"])) for one in said
    )


def _interval(value: Any) -> Interval | None:
    return None if value is None else (float(value[0]), float(value[1]))
