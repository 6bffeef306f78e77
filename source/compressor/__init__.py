"""Plugins: ways to make a model smaller, made of number formats, sparsity patterns and the wrapper of layers."""
