"""Translates the arrays of a PyTorch state dictionary to what Keras calls and how it shapes them."""

from collections.abc import Iterable, Mapping

import numpy as np

_PARTS = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
_NORMALIZATION = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}
_OTHERS = {"weight": "kernel", "bias": "bias"}


def is_of_pytorch(names: Iterable[str]) -> bool:
    """Whether all names are those of a state dictionary, such as `layer1.0.bn1.running_mean`.

    Args:
        names: of the arrays of a file.
    """
    names = list(names)
    return bool(names) and all("." in name and name.rpartition(".")[2] in _PARTS for name in names)


def translated(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns the arrays by path (`layer1.0.bn1/gamma`), with their axes in the order of Keras, layers as they come.

    Convolutions are stored (out, in, ...) and become (..., in, out); dense layers (out, in) become (in, out). A
    layer whose weight has one axis is a normalisation. Counts of batches are left out.

    Args:
        arrays: by the names of a state dictionary, in its order.

    Raises:
        ValueError: if a dense layer takes flattened pictures: PyTorch flattens (c, h, w), Keras (h, w, c), and
            neither h nor w is stored.
    """
    result: dict[str, np.ndarray] = {}
    channels = None
    for name, array in arrays.items():
        layer, _, part = name.rpartition(".")
        if part == "num_batches_tracked":
            continue
        if part == "weight" and array.ndim == 2:
            _refuse_flattened(name, array.shape[1], channels)
        if part == "weight":
            channels = None if array.ndim == 2 else array.shape[0]
        names = _NORMALIZATION if arrays.get(f"{layer}.weight", array).ndim == 1 else _OTHERS
        result[f"{layer}/{names.get(part, part)}"] = _in_order_of_keras(array)
    return result


def _in_order_of_keras(array: np.ndarray) -> np.ndarray:
    return array if array.ndim < 2 else array.transpose(*range(2, array.ndim), 1, 0)


def _refuse_flattened(name: str, features: int, channels: int | None) -> None:
    """Refuses a dense layer behind a layer of `channels` channels if it takes several pixels of each."""
    if channels and features > channels and features % channels == 0:
        raise ValueError(
            f"`{name}` takes {features} features of {channels} channels, flattened in the order (c, h, w), where Keras "
            f"has (h, w, c). Store its rows in that order, in an `.npz` file with one array for each path of a variable"
        )
