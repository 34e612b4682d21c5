"""A run's public evidence packed into one file, which is kept beside the row for good.

It is a tar file within xz: both are in the standard library (zstandard only from Python 3.14 on), and text becomes at
least as small. The same files give the same bytes.
"""

from __future__ import annotations

import io
import lzma
import tarfile
from collections.abc import Mapping

from sagellm_benchmark.errors import DataError

MOST_PACKED = 8 << 20
MOST_BYTES = 64 << 20  # unpacked
_MOST_MEMORY = 128 << 20  # bytes that unpacking may take
_MOST_FILES = 16
_PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE)  # a sparse file unpacks to more bytes than the tar has


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return the files as a bundle: sorted, without time, place or author. Raise DataError if they are too large."""
    if sum(map(len, files.values())) > MOST_BYTES:
        raise _too_large()
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(files):
            about = tarfile.TarInfo(name)
            about.size = len(files[name])
            tar.addfile(about, io.BytesIO(files[name]))
    packed = lzma.compress(made.getvalue(), preset=6)
    if len(packed) > MOST_PACKED:
        raise _too_large()
    return packed


def unpack(packed: bytes) -> dict[str, bytes]:
    """Return the files of a bundle, by name. Raise DataError if it is too large, or holds anything but plain files."""
    if len(packed) > MOST_PACKED:
        raise _too_large()
    try:
        opened = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MOST_MEMORY)
        content = opened.decompress(packed, max_length=MOST_BYTES + (1 << 20))
        if not opened.eof:
            raise _too_large() if not opened.needs_input else DataError("the bundle ends too early")
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as tar:
            return dict(_file(tar, about) for about in _members(tar))
    except (lzma.LZMAError, tarfile.TarError, EOFError, OverflowError, ValueError) as error:
        raise DataError(f"the bundle is damaged: {error}", hint="fetch it again") from error


def _members(tar: tarfile.TarFile) -> list[tarfile.TarInfo]:
    found: list[tarfile.TarInfo] = []
    for about in tar:
        found.append(about)
        if len(found) > _MOST_FILES or about.type not in _PLAIN or about.issparse():
            raise DataError("the bundle contains something other than a few plain files")
    return found


def _file(tar: tarfile.TarFile, about: tarfile.TarInfo) -> tuple[str, bytes]:
    file = tar.extractfile(about)
    return about.name, b"" if file is None else file.read()


def _too_large() -> DataError:
    return DataError(
        f"the evidence is larger than {MOST_BYTES >> 20} MiB, or {MOST_PACKED >> 20} MiB packed",
        hint="measure fewer requests: evidence must stay small enough to be kept for good",
    )
