"""The engines that this program knows by itself, one module each; registry.py lists them."""
