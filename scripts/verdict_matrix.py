"""What is said of simulated servers, honest and lying, on a controlled clock: the confusion matrix of docs/validity.md.

python -m scripts.verdict_matrix             # half a minute, and the same anywhere
python -m scripts.verdict_matrix --servers   # each server, too
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import get_args

from tests.servers.case import Kind
from tests.servers.matrix import CASES, Judged, confusion


def lines(judged: Sequence[Judged], *, servers: bool) -> Iterator[str]:
    """The matrix, what is beyond a client, and mistakes if there are any."""
    yield f"{len(judged)} servers.\n"
    yield from confusion(judged)
    yield "\nWhat no client can know:\n"
    yield from (f"- {one.case.name}" for one in judged if one.case.kind == "beyond a client")
    for kind in get_args(Kind) if servers else ():
        yield f"\n{kind}:\n"
        yield from (f"- {one.case.name}: {one.said}" for one in judged if one.case.kind == kind)
    for one in judged:
        yield from (f"\nMISTAKE, {one.case.kind}, {one.case.name}: {mistake}" for mistake in one.mistakes)


def main() -> None:
    """Print the matrix; exit with 1 if a server is misjudged."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--servers", action="store_true", help="name every server")
    judged = [Judged.of(case) for case in CASES]
    for line in lines(judged, servers=parser.parse_args().servers):
        print(line)
    sys.exit(any(one.mistakes for one in judged))


if __name__ == "__main__":
    main()
