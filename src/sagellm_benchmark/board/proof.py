"""Which evidence a row names, and where that lies."""

from __future__ import annotations

import re
from typing import Any

EVIDENCE = "evidence"
"""The folder of bundles, in the dataset and in hf_data/ alike."""
SUFFIX = ".tar.xz"
SIGNED = "signed-"
"""Before the id, in hf_data/: a file of one signed row, which is published whether or not it is the best."""
SIGNATURES = ".jsonl"
"""Beside a bundle: who signed its statement, one JSON object a line, as `gh attestation download` writes them."""

SHA256 = re.compile(r"[0-9a-f]{64}")


def is_evidence(name: str) -> bool:
    """Return whether a file in the folder of bundles is called as one of them, or as the signatures beside it."""
    digest, dot, rest = name.partition(".")
    return SHA256.fullmatch(digest) is not None and dot + rest in (SUFFIX, SIGNATURES)


def evidence_of(row: Any) -> str | None:
    """Return the SHA-256 of the statement that a row names; None if it names none."""
    evidence = row.get("evidence") if isinstance(row, dict) else None
    digest = evidence.get("sha256") if isinstance(evidence, dict) else None
    return digest if isinstance(digest, str) and SHA256.fullmatch(digest) else None


def bundle_path(digest: str) -> str:
    """Return where the bundle of a statement lies, named by the statement, whatever else is packed with it."""
    return f"{EVIDENCE}/{digest}{SUFFIX}"


def signatures_path(digest: str) -> str:
    """Return where the signatures over a statement lie."""
    return f"{EVIDENCE}/{digest}{SIGNATURES}"
