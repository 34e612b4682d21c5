"""The click commands beside `run`, by what they are about; `cli` puts them together."""
