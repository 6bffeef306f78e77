"""Finds the grid that weights lie on: whole numbers times one float32 scale for the tensor or for each channel.

The product is that of float32: `float32(code) * scale` must be the weight to the bit, else there is no grid.
"""

import numpy as np

_FIRST = 127  # the largest code that is looked for first: that of signed 8 bits
_MOST = 32767
_TRIED = 64  # codes of the largest weight that pass the rough test and are tried exactly
_SAMPLE = 8
# Code and scale are rounded to 24 bits each, and so is the weight: three times 2^-24, and some.
_ROUGH = 2.0**-22
_STEPS = (0, 1, -1, 2, -2)  # neighbours of max |w| / k among the floats


def scales(weights: np.ndarray) -> np.ndarray | None:
    """Returns the largest scale of each column for which every weight is a code times it.

    Args:
        weights: float32 (rows, columns).

    Returns:
        float32 (columns,), 1 for a column of zeros; None if a column lies on no grid with codes up to 32,767.
    """
    bits = weights.view(np.uint32) & np.uint32(0x7FFFFFFF)
    if (bits >= 0x7F800000).any():
        return None
    found, most = [], _FIRST
    for column in bits.T:
        sizes = np.unique(column)
        sizes = sizes[sizes > 0].view(np.float32)
        scale = _scale(sizes, most)
        if scale is None and most < _MOST:
            most = _MOST
            scale = _scale(sizes, most)
        if scale is None:
            return None
        found.append(scale)
    return np.array(found, np.float32)


def codes(weights: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Returns the whole numbers nearest to weights / scale, as int64.

    Args:
        weights: float32, of any shape.
        scale: float32, that the weights can be divided by.
    """
    return np.rint(weights.astype(np.float64) / scale.astype(np.float64)).astype(np.int64)


def _scale(sizes: np.ndarray, most: int) -> np.float32 | None:
    """Returns the scale of different positive numbers in rising order, with the largest code as small as it can be."""
    if not len(sizes):
        return np.float32(1)
    largest = sizes[-1]
    possible = np.arange(1, most + 1, dtype=np.float64)
    for size in sizes[:: max(1, len(sizes) // _SAMPLE)].astype(np.float64):
        code = possible * (size / np.float64(largest))
        possible = possible[np.abs(code - np.rint(code)) <= _ROUGH * (code + 1)]
    for code in possible[:_TRIED]:
        near = np.float32(largest / np.float32(code)).view(np.int32)
        for step in _STEPS:
            scale = (near + np.int32(step)).view(np.float32)
            if np.isfinite(scale) and scale > 0 and _fits(sizes, scale):
                return np.float32(scale)
    return None


def _fits(sizes: np.ndarray, scale: np.float32) -> bool:
    with np.errstate(all="ignore"):
        whole = np.rint(sizes.astype(np.float64) / np.float64(scale))
        return bool(whole.max() < 1 << 24 and np.array_equal(whole.astype(np.float32) * scale, sizes))
