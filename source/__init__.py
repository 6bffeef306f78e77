"""Espalier's code, one folder per room; a room imports only rooms that stand above it.

From the ground up: `config`, `numeric`, `sparsity`, `layer`, `graph`, `surgery`, `compressor`, `augmenter`,
`inputter`, `network`, `modeler`, `callback`, `runner`, `exporter`, `search`, `command`.
"""

__version__ = "0.1.0"
