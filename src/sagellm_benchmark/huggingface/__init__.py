"""Keeps huggingface_hub within bounds: a timeout on every request, a limit on every answer, a status for a class."""
