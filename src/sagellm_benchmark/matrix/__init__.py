"""Many measurements by one plan: every engine under every model, workload and load, each exactly once."""
