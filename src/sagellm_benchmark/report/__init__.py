"""Show figures: in the terminal, as Markdown, as HTML."""
