"""One load from many machines: who sends which part, a common origin of time, and what happens if a node is lost."""
