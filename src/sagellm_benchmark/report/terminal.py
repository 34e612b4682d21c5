"""A run as a terminal shows it."""

from __future__ import annotations

from sagellm_benchmark.report.view import HEAD, View
from sagellm_benchmark.text import columns


def render_terminal(view: View) -> str:
    """A few lines that fit a terminal; dashes stand for what the run was too short to say."""
    lines = [view.title, f"  {view.subject}", ""]
    lines += columns([HEAD, *view.latencies])
    lines += ["", *(f"  {name:<20} {value}" for name, value in view.figures), ""]
    lines.append(f"  {view.verdict}" + (": its checks found nothing against it" if view.valid else ""))
    lines += [f"    ✗ {reason}" for reason in view.reasons]
    lines += [f"  not publishable: {reason}" for reason in view.unpublishable]
    lines += [f"    ? not checked: {what}" for what in view.not_checked]
    return "\n".join(lines)
