"""How load is sent and timed: connections, streams, processes, and what the client knows of its own performance."""
