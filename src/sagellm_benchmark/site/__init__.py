"""The board as one page: a file that holds its rows, its pictures and its code, and asks nobody for anything."""
