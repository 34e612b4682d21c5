"""What is measured: a server that somebody runs, an engine that we start, or the embedded llama.cpp."""
