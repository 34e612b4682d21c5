"""What a run ran on: the host, its accelerators, the server. Read, never guessed."""
