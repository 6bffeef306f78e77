"""Which weights live: patterns, the scores that choose among them, thresholds, ramps over steps, gradients.

`from source.sparsity import sparsity_pattern` gives the function that makes a pattern of its name.
"""

from importlib import import_module
from typing import Any

_HOME = {"sparsity_pattern": "source.sparsity.grammar"}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module `source.sparsity` has no attribute `{name}`")
    return getattr(import_module(_HOME[name]), name)
