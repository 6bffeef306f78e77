"""Operators computed by few and cheap operations: softmax, GELU, normalization, exp and what follows from them.

`from source.layer.approximation.grammar import approximation` gives the function that makes one of its name.
"""
