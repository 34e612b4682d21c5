"""A run as a terminal shows it."""

from __future__ import annotations

from sagellm_benchmark.report.view import HEAD, View


def render_terminal(view: View) -> str:
    """A few lines that fit a terminal; dashes stand for what the run was too short to say."""
    lines = [view.title, f"  {view.subject}", ""]
    lines += columns([HEAD, *view.latencies])
    lines += ["", *(f"  {name:<20} {value}" for name, value in view.figures), ""]
    lines.append(f"  {view.verdict}" + (": its checks found nothing against it" if view.valid else ""))
    lines += [f"    ✗ {reason}" for reason in view.reasons]
    lines += [f"  not publishable: {reason}" for reason in view.unpublishable]
    return "\n".join(lines)


def columns(rows: list[tuple[str, ...]]) -> list[str]:
    """Rows as aligned text: the first column to the left, figures to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  "
        + row[0].ljust(widths[0])
        + "".join(cell.rjust(widths[i + 1] + 3) for i, cell in enumerate(row[1:]))
        for row in rows
    ]
