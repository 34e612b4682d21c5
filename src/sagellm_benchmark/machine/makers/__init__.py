"""The makers of accelerators, a module each."""
