"""What proves a row: a statement about its run's files, and everything computed from them again."""
