"""A model in, another model out: layers replaced, weights carried over."""
