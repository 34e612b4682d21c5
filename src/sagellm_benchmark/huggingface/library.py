"""The library itself, imported when it is first needed, and its one HTTP client."""

from __future__ import annotations

import functools
import sys
from typing import Any

from sagellm_benchmark.errors import UsageError


def library() -> Any:
    """Return the huggingface_hub module. Raise UsageError if its settings in the environment are wrong."""
    try:
        import huggingface_hub
        import huggingface_hub.constants  # the rest of it is loaded when it is used
    except ValueError as error:  # it reads its numbers when it is imported
        raise UsageError(
            "huggingface_hub cannot read its settings",
            hint="check that every HF_… variable that should hold a number does",
        ) from error
    return huggingface_hub


@functools.cache
def session() -> Any:
    """Return the library's own HTTP client, which takes proxies and certificates from the environment.

    Raise UsageError if these are wrong, or need a package that is not installed.
    """
    try:
        return library().get_session()
    except ImportError as error:
        raise UsageError(
            "the proxy that the environment names needs a package that is not installed",
            hint="pip install 'httpx[socks]', or unset ALL_PROXY and HTTPS_PROXY",
        ) from error
    except (ValueError, OSError) as error:  # its words may hold a proxy's password
        raise UsageError(
            f"a connection to the Hub cannot be set up ({type(error).__name__})",
            hint="look at HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and SSL_CERT_FILE",
        ) from error


def http_module() -> Any:
    """Return the HTTP library whose client this is; it differs between releases."""
    return sys.modules[type(session()).__module__.partition(".")[0]]
