"""The one place that states this toolkit's version."""

__version__ = "0.6.0"
