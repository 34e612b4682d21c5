"""What is measured: a server somebody runs, or a llama.cpp of our own."""
