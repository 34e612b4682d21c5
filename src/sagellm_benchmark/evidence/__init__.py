"""What proves a row: a statement about its run's files, from which everything can be computed again."""
