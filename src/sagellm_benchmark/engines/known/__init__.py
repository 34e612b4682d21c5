"""The engines that this program knows, one module each; registry.py lists them."""
