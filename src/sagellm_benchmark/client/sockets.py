"""The limit on the sockets that this process may have open."""

from __future__ import annotations

import contextlib
import sys

from sagellm_benchmark.errors import UsageError

if sys.platform != "win32":
    import resource

_OTHER_FILES = 64  # that a process has open besides its sockets


def allow_files(connections: int) -> None:
    """Increase this process's limit on open files as far as allowed. Raise UsageError if that is still too low."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + _OTHER_FILES
    most = needed if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < most:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        raise UsageError(
            f"{connections} connections at once need {needed} open files, and this process may open {soft}",
            hint="raise the limit (`ulimit -n`), or ask for fewer streams or more client processes",
        )
