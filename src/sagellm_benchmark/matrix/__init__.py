"""Many measurements by one plan: every engine with every model, workload and load, each exactly once."""
