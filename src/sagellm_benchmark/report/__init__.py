"""Showing numbers: terminal, Markdown, HTML."""
