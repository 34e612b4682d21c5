"""Find out which evidence a row names, and where it is kept."""

from __future__ import annotations

import re
from typing import Any

EVIDENCE = "evidence"
"""The folder of bundles, in the dataset and in hf_data/ alike."""
SUFFIX = ".tar.xz"
SIGNED = "signed-"
"""The prefix of a file in hf_data/ that holds one signed row, which is published even if it is not the best."""
SIGNATURES = ".jsonl"
"""The suffix of the file beside a bundle with the signatures over its statement: one JSON object on each line, as
`gh attestation download` writes them."""

SHA256 = re.compile(r"[0-9a-f]{64}")


def is_evidence(name: str) -> bool:
    """Return whether a file in the folder of bundles has the name of a bundle, or of the signatures beside one."""
    digest, dot, rest = name.partition(".")
    return SHA256.fullmatch(digest) is not None and dot + rest in (SUFFIX, SIGNATURES)


def evidence_of(row: Any) -> str | None:
    """Return the SHA-256 of the statement that a row names; None if it names none."""
    evidence = row.get("evidence") if isinstance(row, dict) else None
    digest = evidence.get("sha256") if isinstance(evidence, dict) else None
    return digest if isinstance(digest, str) and SHA256.fullmatch(digest) else None


def bundle_path(digest: str) -> str:
    """Return the path of a statement's bundle; it depends on the statement alone, not on what is packed with it."""
    return f"{EVIDENCE}/{digest}{SUFFIX}"


def signatures_path(digest: str) -> str:
    """Return the path of the signatures over a statement."""
    return f"{EVIDENCE}/{digest}{SIGNATURES}"
