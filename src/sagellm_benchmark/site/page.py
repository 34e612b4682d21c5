"""index.html: rows, style and code in one file, with a policy that lets it load nothing and run only what is its own.

Every text of a row is data: it travels as JSON in which nothing can end its element, and is shown as text nodes only.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import Any

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sagellm_benchmark._version import __version__
from sagellm_benchmark.board.derived import last_updated
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.site.cards import cards, in_chinese, taken_back
from sagellm_benchmark.site.gather import Board

SCRIPTS = ("words.js", "tools.js", "state.js", "rows.js", "plot.js", "pictures.js", "details.js", "main.js")
"""In this order, in one scope: each uses what stands before it."""

_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_TEMPLATES = Environment(
    loader=PackageLoader("sagellm_benchmark.site", "assets"), autoescape=True, undefined=StrictUndefined,
    trim_blocks=True, lstrip_blocks=True,
)  # fmt: skip


def page(board: Board) -> bytes:
    """Return the whole page; the same rows give the same bytes, whenever it is made."""
    shown = cards(board)
    chinese = in_chinese(shown)
    records = [card.pop("record") for card in shown]
    style, script = _asset("style.css"), _script()
    html = _TEMPLATES.get_template("index.html").render(
        version=__version__,
        updated=last_updated(board.best)["last_updated"][:10],
        count=len(shown),
        policy=_policy(script, style),
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704
        rows=_embedded(shown),
        withdrawn=taken_back(board),
        records=_embedded(records),
        chinese=_embedded(chinese),
    )
    return html.encode()


def _policy(script: str, style: str) -> str:
    """Return what a browser lets this page do: run this script, use this style, and nothing else; no text becomes
    markup.
    """
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_hash(script)}'",
            f"style-src '{_hash(style)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
        )
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _embedded(value: Any) -> Markup:
    """Return JSON in which nothing can end the element that holds it."""
    try:
        text = orjson.dumps(value).decode()
    except TypeError as error:  # nested without end, by whoever may write the dataset
        raise DataError(
            f"a row cannot be written as JSON: {error}", hint="restore it from its last good version"
        ) from error
    for mark, escape in _ESCAPES.items():
        text = text.replace(mark, escape)
    return Markup(text)  # noqa: S704 - what markup consists of has just been escaped


def _script() -> str:
    return '(() => {\n"use strict";\n' + "\n".join(map(_asset, SCRIPTS)) + "})();\n"


def _asset(name: str) -> str:
    return files("sagellm_benchmark.site").joinpath("assets", name).read_text(encoding="utf-8")
