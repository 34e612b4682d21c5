"""How load is sent and stamped: connections, streams, processes, and what the client knows of itself."""
