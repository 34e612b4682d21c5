"""Measure how fast an LLM serving engine answers, and publish the number without losing anyone's."""

from sagellm_benchmark._version import __version__

__all__ = ["__version__"]
