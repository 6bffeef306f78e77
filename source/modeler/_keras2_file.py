"""Reads the weights of an HDF5 file in the form of Keras 2: layers in order, variables by path."""

import itertools
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

from source.modeler import _hdf5

_WHOLE_MODEL = "model_weights"
_LAYERS = "layer_names"
_VARIABLES = "weight_names"
_DEPTHWISE, _POINTWISE, _KERNEL = "depthwise_kernel", "pointwise_kernel", "kernel"


def is_of_keras2(archive: h5py.File) -> bool:
    """Whether a file lists its layers as Keras 2 did, in `model.save` and in `save_weights`.

    Args:
        archive: an open file.
    """
    return any(f"{_LAYERS}{number}" in _layers(archive).attrs for number in ("", 0))


def arrays(archive: h5py.File) -> dict[str, np.ndarray]:
    """Returns the arrays by what Keras 3 calls the variables (`conv1/kernel`), in the order of the layers.

    Variables of a layer are stored as `<layer>/<path>:0`. Keras 3 renamed one: the kernel of a depthwise
    convolution is not `depthwise_kernel` any more, except in a separable convolution.

    Args:
        archive: an open file for which `is_of_keras2`.

    Raises:
        ValueError: if a listed layer or variable is not there or lies in another file, or two have one name.
    """
    root = _layers(archive)
    found: dict[str, np.ndarray] = {}
    for layer in _names(root, _LAYERS):
        group = _hdf5.member(root, layer)
        stored = list(_names(group, _VARIABLES))
        for name, path in zip(stored, _renamed(layer, stored), strict=True):
            if path in found:
                raise ValueError(f"it has two variables called {path}")
            found[path] = _hdf5.array(_inside(group, name))
    return found


def _layers(archive: h5py.File) -> h5py.Group:
    return _hdf5.member(archive, _WHOLE_MODEL) if _WHOLE_MODEL in archive else archive


def _names(group: h5py.Group, attribute: str) -> Iterator[str]:
    """Yields the names that an attribute lists.

    HDF5 takes 64 KiB at most in one attribute; longer lists stand in `layer_names0`, `layer_names1`, ...
    """
    numbered = itertools.takewhile(group.attrs.__contains__, (f"{attribute}{n}" for n in itertools.count()))
    for part in (attribute,) if attribute in group.attrs else numbered:
        for name in group.attrs[part]:
            yield name.decode() if isinstance(name, bytes) else str(name)


def _inside(group: h5py.Group, path: str) -> Any:
    item = group
    for key in path.split("/"):
        item = _hdf5.member(item, key)
    return item


def _renamed(layer: str, stored: list[str]) -> list[str]:
    paths = [name.rpartition(":")[0] or name for name in stored]
    paths = [path if "/" in path else f"{layer}/{path}" for path in paths]
    owners_with_pointwise = {owner for owner, _, last in map(_split, paths) if last == _POINTWISE}
    return [
        f"{owner}/{_KERNEL}" if last == _DEPTHWISE and owner not in owners_with_pointwise else path
        for path, (owner, _, last) in zip(paths, map(_split, paths), strict=True)
    ]


def _split(path: str) -> tuple[str, str, str]:
    return path.rpartition("/")
