"""What a server is asked: workloads, prompts of exact length, texts and traces, and when each request is sent."""
