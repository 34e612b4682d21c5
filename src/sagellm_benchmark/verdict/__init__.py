"""From what was observed to numbers, and from numbers to whether to believe them. Pure."""
