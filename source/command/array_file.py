"""Arrays from files: the inputs of a model."""

import zipfile
from pathlib import Path

import numpy as np

from source.config.errors import DataError


def read_arrays(path: Path) -> list[np.ndarray]:
    """Returns the arrays of a file: one of a `.npy`, all of a `.npz` in the order in which they were put in.

    Args:
        path: of the file.

    Raises:
        DataError: for a file that is missing, is no such file, or holds Python objects.
    """
    try:
        with path.open("rb") as file:  # NumPy leaves a broken archive open that it opened itself
            loaded = np.load(file, allow_pickle=False)
            arrays = [loaded] if isinstance(loaded, np.ndarray) else [loaded[name] for name in loaded.files]
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file.") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path}: expected a .npy or .npz file of numbers. {str(error).partition(chr(10))[0]}"
        ) from error
    if not arrays:
        raise DataError(f"{path}: holds no array.")
    return arrays
