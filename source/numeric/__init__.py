"""Which numbers a format holds, rounding to them, and codes in packed bytes.

`from source.numeric import number_format` gives the function that makes a format of its name.
"""

from importlib import import_module
from typing import Any

_HOME = {"number_format": "source.numeric.grammar"}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module `source.numeric` has no attribute `{name}`")
    return getattr(import_module(_HOME[name]), name)
