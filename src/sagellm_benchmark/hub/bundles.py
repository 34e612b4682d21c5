"""Find the evidence of the rows that a publish brings, and check it before it is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sagellm_benchmark.board.agreement import Interval, Measured
from sagellm_benchmark.board.entry import Entry
from sagellm_benchmark.board.proof import bundle_path, evidence_of, signatures_path
from sagellm_benchmark.board.read import Found, read_whole
from sagellm_benchmark.board.standing import Proved
from sagellm_benchmark.board.submission import Examined, Refused
from sagellm_benchmark.errors import DataError

MOST_BYTES = 8 << 20
MOST_SIGNATURES = 256 << 10  # bytes of one signature; a Sigstore bundle has about 10,000
MOST_SIGNERS = 16

Bundles = Callable[[str], bytes | None]
"""Returns the bundle at a path such as evidence/<sha256>.tar.xz; None if there is none."""

Prover = Callable[[Any, bytes], Interval | None]
"""Returns the interval of a row's throughput; raises DataError if the row does not follow from its bundle."""

Identifier = Callable[[str, bytes, bytes | None], str]
"""Returns who signed the evidence with a SHA-256, by a line and signers.json; raises DataError for a bad signature."""


@dataclass(frozen=True, slots=True)
class Proofs:
    """What backs rows: the files to be kept, by path, and what they prove, by row id."""

    files: dict[str, bytes] = field(default_factory=dict)
    proved: dict[str, Proved] = field(default_factory=dict)


def nowhere(_: str) -> None:
    """Return no bundle, so that every row is a claim."""


def bundles_in(folder: Path) -> Bundles:
    """Return what finds the bundles in hf_data/."""

    def bundle(path: str) -> bytes | None:
        return read_whole(folder / path, MOST_BYTES) if (folder / path).exists() else None

    return bundle


def signature_lines(content: bytes) -> list[bytes]:
    """Return the signatures in a file, each a line of JSON."""
    return [line for line in content.splitlines() if line.strip()]


def signed(
    examined: Examined, bundles: Bundles, proofs: Proofs, identify: Callable[[str, bytes], str]
) -> tuple[Examined, Proofs]:
    """Return the rows and proofs with what signatures add, for rows whose evidence `proofs` says is proved.

    A signature that is not valid is refused and left out, and harms neither its row nor the others.
    """
    files, backed, refused = dict(proofs.files), dict(proofs.proved), []
    for entry in (*examined.new, *examined.known):
        digest, proof = evidence_of(entry.row), backed.get(entry.entry_id)
        path = None if digest is None else signatures_path(digest)
        content = None if path is None else bundles(path)
        if digest is None or path is None or content is None or proof is None:
            continue
        held: dict[bytes, str] = {}
        for place, line in enumerate(signature_lines(content)[:MOST_SIGNERS]):
            try:
                held[line] = identify(digest, line)
            except DataError as error:
                refused.append(Refused(Found(path, place, None), (), (error.message,)))
        if held:
            files[path] = joined_signatures(*held)
            backed[entry.entry_id] = replace(proof, signers=proof.signers | frozenset(held.values()))
    return replace(examined, refused=(*examined.refused, *refused)), Proofs(files, backed)


def joined_signatures(*contents: bytes) -> bytes:
    """Return a file with every signature once, in an order that does not depend on who came first."""
    return b"".join(
        line + b"\n" for line in sorted({line for one in contents for line in signature_lines(one)})
    )


def proved(
    examined: Examined, handed_in: Sequence[Found], bundles: Bundles, prove: Prover
) -> tuple[Examined, Proofs]:
    """Check the bundle of each new row; return the rows, some refused as not following from theirs, and the proofs."""
    proofs = Proofs()
    refused: list[Refused] = []
    for entry in examined.new:
        try:
            _look_at(entry, bundles, prove, proofs)
        except DataError as error:
            refused.append(Refused(found_of(entry, handed_in), (), (error.message,)))
    wrong = {one.found.row["entry_id"] for one in refused}
    sound = tuple(entry for entry in examined.new if entry.entry_id not in wrong)
    return replace(examined, new=sound, refused=(*examined.refused, *refused)), proofs


def _look_at(entry: Entry, bundles: Bundles, prove: Prover, proofs: Proofs) -> None:
    digest = evidence_of(entry.row)
    path = None if digest is None else bundle_path(digest)
    content = None if path is None else bundles(path)
    if path is None or content is None:
        return
    try:
        interval = prove(entry.row, content)
    except DataError as error:
        raise DataError(
            f"the row does not follow from its evidence: {error.message}; measure again, or take {path} away: "
            "the row is then a claim"
        ) from error
    proofs.files[path] = content
    if entry.throughput_tps is not None:
        proofs.proved[entry.entry_id] = Proved(Measured(entry.throughput_tps, interval))


def found_of(entry: Entry, handed_in: Iterable[Found]) -> Found:
    """Return where a row that was handed in was found."""
    return next(one for one in handed_in if isinstance(one.row, dict) and Entry.of(one.row).same_as(entry))
