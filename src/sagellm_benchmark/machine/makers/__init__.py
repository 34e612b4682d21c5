"""The makers of accelerators, one module for each."""
