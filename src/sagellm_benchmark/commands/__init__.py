"""The click commands other than `run`, grouped by subject; `cli` puts them together."""
