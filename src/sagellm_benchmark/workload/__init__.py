"""What is asked of a server: workloads, prompts of exact length, texts and traces, and when each is sent."""
