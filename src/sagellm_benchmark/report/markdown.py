"""REPORT.md: a run to paste into an issue or a pull request."""

from __future__ import annotations

from sagellm_benchmark.report.view import HEAD, View
from sagellm_benchmark.text import markdown, markdown_row
from sagellm_benchmark.verdict.metrics import LATENCIES
from sagellm_benchmark.words import retold, t


def render_markdown(view: View) -> str:
    """Return the whole report; texts from outside cannot become markup."""
    parts = [
        f"# {markdown(view.title)}",
        markdown(view.subject),
        f"**{view.verdict}**, {t('publishable') if view.publishable else t('not publishable')}",
        *_bullets("", view.reasons),
        *_bullets(t("Not publishable:"), view.unpublishable),
        *_bullets(t("Not checked:"), view.not_checked),
        f"## {t('Headline')}",
        table(
            (t("what"), t("value"), t("how sure")),
            tuple((one.label, one.value, one.note) for one in view.headlines),
        ),
        f"## {t('Latency')}",
        table(tuple(map(retold, HEAD)), view.latencies),
        "; ".join(f"{one.label}: {retold(one.meaning)}" for one in LATENCIES if not one.open_loop) + ".",
        f"## {t('Figures')}",
        table((t("what"), t("value")), view.figures),
        f"## {t('Setup')}",
        table((t("what"), t("value")), view.setup),
        *_bullets(f"## {t('Refused: too few values')}", view.refused),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def table(head: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> str:
    """Return a Markdown table; if it has several columns, all except the first are aligned to the right."""
    rule = ["---", *("---:" if len(head) > 2 else "---" for _ in head[1:])]
    return "\n".join(markdown_row(*cells) for cells in (head, rule, *(map(markdown, row) for row in rows)))


def _bullets(heading: str, items: tuple[str, ...]) -> list[str]:
    return [heading, "\n".join(f"- {markdown(item)}" for item in items)] if items else []
