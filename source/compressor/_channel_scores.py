"""What channels are worth by the weights that make them: a number for each channel of a group."""

from collections.abc import Iterable

import numpy as np


def magnitudes(weight: np.ndarray, axis: int, score: str) -> np.ndarray:
    """Returns a number for each index of an axis of a weight.

    Args:
        weight: float64.
        axis: along which channels lie.
        score: "l1", "l2" or "geometric_median".
    """
    rows = np.moveaxis(weight, axis, 0).reshape(weight.shape[axis], -1)
    if score == "l2":
        return np.sqrt(np.square(rows).mean(1))
    if score == "geometric_median":
        squares = np.square(rows).sum(1)
        return np.sqrt(np.maximum(squares[:, None] + squares - 2 * rows @ rows.T, 0.0)).sum(1)
    return np.abs(rows).mean(1)


def sums(product: np.ndarray, axis: int, places: np.ndarray, count: int) -> np.ndarray:
    """Returns the sum of the numbers that belong to each channel of a group.

    Args:
        product: of a weight and its gradient.
        axis: along which channels lie.
        places: of the indices of the axis in the group, or -1.
        count: of channels in the group.
    """
    inside = places >= 0
    line = np.moveaxis(product, axis, 0).reshape(product.shape[axis], -1).sum(1)
    return np.bincount(places[inside], line[inside], count)


def squared_gates(gates: Iterable[np.ndarray]) -> np.ndarray:
    """Returns the sum of the squares of what several gates of the same channels change the loss by.

    Args:
        gates: one number a channel each.
    """
    return np.sum([np.square(each) for each in gates], axis=0)
