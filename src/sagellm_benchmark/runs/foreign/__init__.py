"""Result files of other load clients, read as requests, so that our checks and comparisons apply to them."""
