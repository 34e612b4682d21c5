"""One run: what was asked, how it is measured, and the record and the row that come of it."""
