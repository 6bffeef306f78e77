"""Reads the weights that a file holds, by name, and never runs anything that the file says."""

import dataclasses
import io
import pathlib
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

from source.config.errors import CheckpointError
from source.modeler import _hdf5, _keras2_file, _pytorch_arrays

KERAS_WEIGHTS = "model.weights.h5"  # inside a `.keras` archive


@dataclasses.dataclass(frozen=True, kw_only=True)
class Weights:
    """What a file holds.

    Attributes:
        arrays: by the path of the variable (`conv1/kernel`) or, if `numbered`, by layer and number
            (`conv1/0`).
        numbered: whether variables are numbered within their layer, as files of Keras 3 have it.
        ordered: whether the arrays stand in the order of the layers, which may have names of their own.
        ours: whether the file is a checkpoint of this library.
    """

    arrays: dict[str, np.ndarray]
    numbered: bool = False
    ordered: bool = False
    ours: bool = False


def read(path: str) -> Weights:
    """Returns the arrays of a file.

    Of a checkpoint (arrays called `model/...`) only the model is taken, averaged weights before plain ones.
    Of a `.keras` archive only the weights are read: its description of a model is not even opened; nor is that in
    an `.h5` file of Keras 2. Names and axes of a PyTorch state dictionary are translated.

    Args:
        path: an `.npz`, `.keras` or `.h5` file, or the folder of a run, whose newest checkpoint is taken.

    Raises:
        CheckpointError: if there is no such file, its kind is unknown, or it is broken.
    """
    file = _newest_checkpoint(pathlib.Path(path)) if pathlib.Path(path).is_dir() else pathlib.Path(path)
    if not file.is_file():
        raise CheckpointError(f"pretrained_model: there is no file {path}.")
    readers = {".npz": _read_npz, ".keras": _read_keras, ".h5": read_h5}
    if file.suffix not in readers:
        raise CheckpointError(f"pretrained_model: expected a file that ends in .npz, .keras or .h5. Received: {path}.")
    try:
        return readers[file.suffix](file)
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise CheckpointError(f"pretrained_model: {path} cannot be read: {error}") from error


def _newest_checkpoint(folder: pathlib.Path) -> pathlib.Path:
    found = sorted((folder / "checkpoints").glob("checkpoint-*.npz"), key=lambda path: (len(path.name), path.name))
    if not found:
        raise CheckpointError(
            f"pretrained_model: {folder} is no run with a checkpoint. Name a file, or train that run."
        )
    return found[-1]


def _read_npz(file: pathlib.Path) -> Weights:
    with np.load(file, allow_pickle=False) as archive:
        names = archive.files
        if _pytorch_arrays.is_of_pytorch(names):
            return Weights(arrays=_pytorch_arrays.translated({name: archive[name] for name in names}), ordered=True)
        if not any(name.startswith("model/") for name in names):
            return Weights(arrays={name: archive[name] for name in names})
        plain = {_rest(name): archive[name] for name in names if name.startswith("model/")}
        average = {_rest(name): archive[name] for name in names if name.startswith("average/")}
        return Weights(arrays=plain | average, ours=True)


def _rest(name: str) -> str:
    return name.split("/", 1)[1]


def _read_keras(file: pathlib.Path) -> Weights:
    with zipfile.ZipFile(file) as archive:
        return read_h5(io.BytesIO(archive.read(KERAS_WEIGHTS)))


def read_h5(file: Any) -> Weights:
    """Returns the arrays of an HDF5 file of Keras 2 or 3.

    Args:
        file: its path, or an open binary file.

    Raises:
        OSError: if it is no HDF5 file.
        ValueError: if something in it is a link, lies in another file, or is larger than its bytes can be.
    """
    with h5py.File(file, "r") as archive:
        if _keras2_file.is_of_keras2(archive):
            return Weights(arrays=_keras2_file.arrays(archive), ordered=True)
        return Weights(arrays=dict(_walk(archive, "")), numbered=True)


def _walk(group: h5py.Group, path: str) -> Iterator[tuple[str, np.ndarray]]:
    for key in group:
        item = _hdf5.member(group, key)
        if key == "vars":
            for number in sorted(item, key=int):
                yield f"{path}/{number}".lstrip("/"), _hdf5.array(_hdf5.member(item, number))
        elif isinstance(item, h5py.Group):
            owner = "" if key == "layers" else "/" + _name(item, key)
            yield from _walk(item, path + owner)


def _name(group: h5py.Group, key: str) -> str:
    """Returns the layer's name that Keras stored, or the group's if there is none."""
    name = group["vars"].attrs.get("name") if "vars" in group else None
    return name if isinstance(name, str) else key
