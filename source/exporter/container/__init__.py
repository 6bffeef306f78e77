"""The packed file: an open container of an architecture and its weights, read and written with NumPy alone."""

import pathlib
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from source.exporter.container.packed import PackedFile


def read(path: str | pathlib.Path) -> "PackedFile":
    """Returns a packed file, checked; its tensors are decoded when they are asked for.

    Args:
        path: of an `.esp` file.

    Raises:
        DataError: for a file that is missing, broken or of another kind.
    """
    found: Any = import_module("source.exporter.container.packed").read_file(pathlib.Path(path))
    return found
