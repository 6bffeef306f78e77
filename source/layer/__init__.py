"""Layers of our own: the one that wraps others, and what weights, inputs and outputs are seen through."""
