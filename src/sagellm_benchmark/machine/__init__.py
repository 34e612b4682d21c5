"""What it ran on: host, accelerators, memory, and who else was there."""
