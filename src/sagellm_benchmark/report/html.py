"""report.html: one file without scripts or anything to fetch, for a browser or an e-mail."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from sagellm_benchmark.report.plot import histogram
from sagellm_benchmark.report.view import HEAD, View
from sagellm_benchmark.verdict.metrics import ITL, TTFT

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5b6570; --line: #d7dce1; --page: #fff; --bar: #2f6feb;
        --good: #1a7f37; --bad: #b42318; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ec; --soft: #9aa4ae; --line: #343a41; --page: #14171a; --bar: #6ea2ff; --good: #4ac26b;
          --bad: #ff7b72; } }
body { font: 16px/1.5 system-ui, "PingFang SC", "Noto Sans CJK SC", sans-serif; color: var(--ink);
       background: var(--page); max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin-top: 2rem; } p.soft { color: var(--soft); }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .35rem .6rem; border-bottom: 1px solid var(--line); }
th { text-align: left; font-weight: 600; }
td + td, th + th { text-align: right; font-variant-numeric: tabular-nums; }
table.pairs td { text-align: left; overflow-wrap: anywhere; }
table.pairs td:first-child { color: var(--soft); width: 11rem; }
.verdict { font-weight: 700; } .VALID { color: var(--good); } .INVALID { color: var(--bad); }
.plots { display: flex; flex-wrap: wrap; gap: 1rem; } figure { margin: 0; flex: 1 1 20rem; }
figcaption { color: var(--soft); font-size: .9rem; margin-top: 1rem; }
svg { width: 100%; height: auto; } svg .bar { fill: var(--bar); } svg text { fill: var(--soft); font-size: 11px; }
svg .axis { stroke: var(--line); } svg .curve { fill: none; stroke: var(--bar); stroke-width: 2; }
"""

PLOTS = ((TTFT, "TTFT, ms: how many requests"), (ITL, "ITL, ms: how many gaps"))


def render_html(view: View) -> str:
    """The whole page; every string is escaped."""
    body = [
        f"<h1>{escape(view.title)}</h1>",
        f'<p class="soft">{escape(view.subject)}</p>',
        f'<p class="verdict {view.verdict}">{view.verdict}</p>',
        _list(view.reasons),
        "<h2>Latency</h2>",
        table(HEAD, view.latencies),
        _plots(view),
        "<h2>Figures</h2>",
        _pairs(view.figures),
        "<h2>Setup</h2>",
        _pairs(view.setup),
        *_section("Refused: too few values", view.refused),
        *_section("Not checked", view.not_checked),
    ]
    return page(view.title, body)


def page(title: str, body: Iterable[str]) -> str:
    """A document of our own style around `body`, which is HTML already."""
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n"
        + "\n".join(part for part in body if part)
        + "\n</html>\n"
    )


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table whose figures stand to the right; every cell is escaped."""
    return f"<table>{_row('th', head)}{''.join(_row('td', row) for row in rows)}</table>"


def _pairs(rows: Iterable[tuple[str, ...]]) -> str:
    return f'<table class="pairs">{"".join(_row("td", row) for row in rows)}</table>'


def _row(tag: str, cells: Iterable[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def _plots(view: View) -> str:
    drawn = [histogram(data, label) for one, label in PLOTS if (data := view.histograms.get(one.name))]
    return f'<div class="plots">{"".join(drawn)}</div>' if drawn else ""


def _section(heading: str, items: tuple[str, ...]) -> list[str]:
    return [f"<h2>{escape(heading)}</h2>", _list(items)] if items else []


def _list(items: tuple[str, ...]) -> str:
    return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>" if items else ""
