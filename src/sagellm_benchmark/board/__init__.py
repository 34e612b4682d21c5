"""Merging numbers: the row's contract, a configuration's identity, the order, the join."""
