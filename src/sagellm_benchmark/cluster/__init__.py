"""One load from many machines: who sends which part, one origin of time, and what becomes of a node that is lost."""
