"""Moving numbers: the dataset and its compare-and-swap, and the cleaning up in git afterwards."""
