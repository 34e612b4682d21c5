"""The options of `run`: declared once, typed, checked as a whole, and turned into the specification of a run."""
