"""Matches arrays with variables by the order of layers, for files that call the layers otherwise."""

from collections.abc import Iterable, Mapping

import keras
import numpy as np

_Layers = list[dict[str, str]]


def keys_by_order(variables: Mapping[str, keras.Variable], arrays: Mapping[str, np.ndarray]) -> dict[str, str] | None:
    """Returns the key of the array for each variable; None if the layers do not agree.

    Layers with variables of the same names are of one kind (kernel and bias; gamma, beta, moving_mean and
    moving_variance; ...). The n-th of a kind in the model is the n-th of that kind in the file. There must be
    equally many of each kind, and all shapes must be equal, those of the model's last layer excepted, which often
    has another number of classes.

    Args:
        variables: of the model, in its order, by path.
        arrays: of the file, in the order of its layers, by path.
    """
    ours, theirs = _by_kind(variables), _by_kind(arrays)
    if {kind: len(layers) for kind, layers in ours.items()} != {kind: len(layers) for kind, layers in theirs.items()}:
        return None
    pairs = {
        mine[part]: other[part]
        for kind, layers in ours.items()
        for mine, other in zip(layers, theirs[kind], strict=True)
        for part in kind
    }
    last_layer = _owner(next(reversed(list(variables)), ""))
    differ = (name for name, key in pairs.items() if tuple(variables[name].shape) != arrays[key].shape)
    return None if any(_owner(name) != last_layer for name in differ) else pairs


def _by_kind(paths: Iterable[str]) -> dict[frozenset[str], _Layers]:
    """Returns the layers of each kind in order, each as the paths of its variables by their names."""
    layers: dict[str, dict[str, str]] = {}
    for path in paths:
        layers.setdefault(_owner(path), {})[path.rpartition("/")[2]] = path
    kinds: dict[frozenset[str], _Layers] = {}
    for layer in layers.values():
        kinds.setdefault(frozenset(layer), []).append(layer)
    return kinds


def _owner(path: str) -> str:
    return path.rpartition("/")[0]
