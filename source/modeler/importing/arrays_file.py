"""Reads the arrays of a file of weights by the names that they have there, and never runs anything it says."""

import pathlib
import zipfile
import zlib
from collections.abc import Callable

import numpy as np

from source.config.errors import CheckpointError
from source.config.nearest import did_you_mean
from source.modeler.importing import (
    darknet_file,
    deep_compression_file,
    keras_file,
    npz_file,
    safetensors_file,
    tensorflow_checkpoint,
)

_READERS: dict[str, Callable[[pathlib.Path], dict[str, np.ndarray]]] = {
    ".npz": npz_file.read,
    ".safetensors": safetensors_file.read,
    ".keras": keras_file.read,
    ".h5": keras_file.read,
    ".hdf5": keras_file.read,
    ".weights": darknet_file.read,
    ".net": deep_compression_file.read,
}
# What Python's archives, NumPy and h5py raise at damaged files; h5py has RuntimeError for what it finds inconsistent.
_DAMAGE = (OSError, ValueError, KeyError, EOFError, RuntimeError, OverflowError, zipfile.BadZipFile, zlib.error)
_PICKLES = (".pt", ".pth", ".bin", ".pkl", ".th", ".tar")


def read_arrays(path: str) -> dict[str, np.ndarray]:
    """Returns the arrays of a file by name, in its order.

    Args:
        path: an `.npz`, `.safetensors`, `.keras`, `.h5`, Darknet `.weights` or Deep Compression `.net` file; or a
            TensorFlow checkpoint: its prefix, its `.index` file, its folder, or the folder of a SavedModel.

    Raises:
        CheckpointError: if there is no such file, its kind is unknown, it is broken, or it has no arrays.
    """
    file = pathlib.Path(path)
    reader = _reader(file)
    try:
        arrays = reader(file)
    except _DAMAGE as error:
        reason = " ".join(str(error).split())
        raise CheckpointError(f"{path} cannot be read: {reason}.") from error
    if not arrays:
        raise CheckpointError(f"{path} cannot be read: it has no arrays.")
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf":
            raise CheckpointError(f"{path} cannot be read: {name} holds no real numbers but {array.dtype}.")
    return arrays


def _reader(file: pathlib.Path) -> Callable[[pathlib.Path], dict[str, np.ndarray]]:
    if tensorflow_checkpoint.is_checkpoint(file):
        return tensorflow_checkpoint.read
    if not file.exists():
        raise CheckpointError(f"{file}: there is no such file, nor a TensorFlow checkpoint of this prefix.")
    if file.suffix in _PICKLES:
        raise CheckpointError(
            f"{file}: a file of PyTorch is a pickle, which runs what it says and is not read. Write it as "
            f'.safetensors where you trust it: `safetensors.torch.save_file(torch.load(path, weights_only=True), "w'
            f'.safetensors")`.'
        )
    if file.suffix not in _READERS or file.is_dir():
        known = did_you_mean(file.suffix, _READERS) if file.suffix else f"Known: {', '.join(_READERS)}."
        raise CheckpointError(f"{file}: files of this kind are not read. {known}")
    return _READERS[file.suffix]
