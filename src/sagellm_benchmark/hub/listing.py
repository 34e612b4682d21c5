"""List what a dataset holds, in each of the ways in which its server can be asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sagellm_benchmark.errors import RemoteError
from sagellm_benchmark.hub.blobs import Listed
from sagellm_benchmark.huggingface.outcomes import Answer, NoAnswer

_ASK_EACH = 500  # paths in one question
_BLOB = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def of(api: Any, repo: str, names: Sequence[str], commit: str) -> dict[str, Listed]:
    """Return those of `names` that the commit has. Raise RemoteError if the server cannot say."""
    found: list[Any] = []
    try:
        for start in range(0, len(names), _ASK_EACH):
            part = list(names[start : start + _ASK_EACH])
            found += api.get_paths_info(repo, part, revision=commit, repo_type="dataset")
    except Answer as answer:
        if not _is_unsupported(answer):
            raise
        return in_folders(api, repo, names, commit)
    return _wanted(found, names)


def in_folders(api: Any, repo: str, names: Sequence[str], commit: str) -> dict[str, Listed]:
    """Return the same as `of`, from whole listings of the folders that hold `names`."""
    found: list[Any] = []
    for folder in sorted({name.rpartition("/")[0] for name in names}):
        try:
            found += api.list_repo_tree(repo, folder or None, revision=commit, repo_type="dataset")
        except Answer as answer:
            if _is_unsupported(answer):
                raise RemoteError(
                    f"{api.endpoint} does not say what a commit holds",
                    hint="a mirror may not be enough: set HF_ENDPOINT to the Hub itself",
                ) from answer
            if not answer.says_absent:  # there is no such folder
                raise
    return _wanted(found, names)


def under(api: Any, repo: str, folder: str, commit: str, timeout_s: float) -> list[str]:
    """Return the path of every file in `folder`, and below it, at `commit`; none if there is no such folder."""
    try:
        tree = api.list_repo_tree(repo, folder, recursive=True, revision=commit, repo_type="dataset")
        return [one.path for one in tree if hasattr(one, "blob_id")]
    except Answer as answer:
        if answer.says_absent:
            return []
        if not _is_unsupported(answer):
            raise
        info = api.repo_info(repo, repo_type="dataset", revision=commit, timeout=timeout_s)
        every = (file.rfilename for file in info.siblings or ())
        return [path for path in every if path.startswith(f"{folder}/")]


def held(answer: Any) -> Iterator[tuple[str, str | None]]:
    """Yield each file in the Hub's answer before an upload, with the blob that the Hub holds; None if it holds none."""
    files = answer.get("files") if isinstance(answer, dict) else None
    for file in files if isinstance(files, list) else ():
        path = file.get("path") if isinstance(file, dict) else None
        if isinstance(path, str):
            blob = file.get("oid")
            yield path, blob if isinstance(blob, str) else None


def _wanted(found: Iterable[Any], names: Sequence[str]) -> dict[str, Listed]:
    asked = set(names)
    return {one.path: _listed(one) for one in found if one.path in asked and hasattr(one, "blob_id")}


def _listed(file: Any) -> Listed:
    """Return an entry of a listing. Raise NoAnswer for one that is not valid."""
    large = None if file.lfs is None else file.lfs.sha256
    fits = type(file.size) is int and file.size >= 0 and isinstance(file.blob_id, str)
    if not fits or not _BLOB.fullmatch(file.blob_id) or (large and not re.fullmatch("[0-9a-f]{64}", large)):
        raise NoAnswer("its listing cannot be read")
    return Listed(file.path, file.size, file.blob_id, large)


def _is_unsupported(answer: Answer) -> bool:
    """Return whether the server does not know the question; about a file or a commit, it would give a code."""
    return answer.status in (404, 405) and not answer.code
