"""Reads the weights that a file holds, by name, and never runs anything that the file says."""

import dataclasses
import io
import pathlib
import zipfile
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

from source.config.errors import CheckpointError

_KERAS_WEIGHTS = "model.weights.h5"  # inside a `.keras` archive


@dataclasses.dataclass(frozen=True, kw_only=True)
class Weights:
    """What a file holds.

    Attributes:
        arrays: by the path of the variable (`conv1/kernel`) or, if `numbered`, by layer and number
            (`conv1/0`).
        numbered: whether variables are numbered within their layer, as Keras files have it.
        ours: whether the file is a checkpoint of this library.
    """

    arrays: dict[str, np.ndarray]
    numbered: bool = False
    ours: bool = False


def read(path: str) -> Weights:
    """Returns the arrays of a file.

    Of a checkpoint (arrays called `model/...`) only the model is taken, averaged weights before plain ones.
    Of a `.keras` archive only the weights are read: its description of a model is not even opened.

    Args:
        path: an `.npz`, `.keras` or `.weights.h5` file.

    Raises:
        CheckpointError: if there is no such file, its kind is unknown, or it is broken.
    """
    file = pathlib.Path(path)
    if not file.is_file():
        raise CheckpointError(f"pretrained_model: there is no file {path}.")
    readers = {".npz": _read_npz, ".keras": _read_keras, ".h5": _read_h5}
    if file.suffix not in readers:
        raise CheckpointError(
            f"pretrained_model: expected a file that ends in .npz, .keras or .weights.h5. Received: {path}."
        )
    try:
        return readers[file.suffix](file)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"pretrained_model: {path} cannot be read: {error}") from error


def _read_npz(file: pathlib.Path) -> Weights:
    with np.load(file, allow_pickle=False) as archive:
        names = archive.files
        if not any(name.startswith("model/") for name in names):
            return Weights(arrays={name: archive[name] for name in names})
        plain = {_rest(name): archive[name] for name in names if name.startswith("model/")}
        average = {_rest(name): archive[name] for name in names if name.startswith("average/")}
        return Weights(arrays=plain | average, ours=True)


def _rest(name: str) -> str:
    return name.split("/", 1)[1]


def _read_keras(file: pathlib.Path) -> Weights:
    with zipfile.ZipFile(file) as archive:
        return _read_h5(io.BytesIO(archive.read(_KERAS_WEIGHTS)))


def _read_h5(file: Any) -> Weights:
    with h5py.File(file, "r") as archive:
        return Weights(arrays=dict(_walk(archive, "")), numbered=True)


def _walk(group: h5py.Group, path: str) -> Iterator[tuple[str, np.ndarray]]:
    for key in group:
        # Links to other files are not followed.
        if not isinstance(group.get(key, getlink=True), h5py.HardLink):
            raise ValueError(f"it has a link at {group.name}/{key}")
        item = group[key]
        if key == "vars":
            for number in sorted(item, key=int):
                yield f"{path}/{number}".lstrip("/"), _array(item[number])
        elif isinstance(item, h5py.Group):
            owner = "" if key == "layers" else "/" + _name(item, key)
            yield from _walk(item, path + owner)


def _name(group: h5py.Group, key: str) -> str:
    """Returns the layer's name that Keras stored, or the group's if there is none."""
    name = group["vars"].attrs.get("name") if "vars" in group else None
    return name if isinstance(name, str) else key


def _array(dataset: h5py.Dataset) -> np.ndarray:
    if dataset.external:
        raise ValueError(f"{dataset.name} lies in another file")
    return np.asarray(dataset)
