"""Result files of other load clients, read as requests, so that our checks and comparisons can be put to them."""
