"""Windows of a map of numbers, as convolutions and pools see it."""

from collections.abc import Sequence

import numpy as np

# Top, bottom, left, right.
Margins = tuple[int, int, int, int]
Pair = tuple[int, int]


def pair(lengths: Sequence[int]) -> Pair:
    """Returns the first two of some lengths.

    Args:
        lengths: two or more.
    """
    return int(lengths[0]), int(lengths[1])


def with_margins(x: np.ndarray, margins: Margins, filling: int = 0) -> np.ndarray:
    """Returns maps with numbers around them.

    Args:
        x: (b, h, w, c).
        margins: rows and columns to add.
        filling: what stands there.
    """
    top, bottom, left, right = margins
    if not any(margins):
        return x
    return np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=filling)


def places(length: int, window: int, stride: int, dilation: int = 1) -> int:
    """Returns how many windows fit into a length.

    Args:
        length: rows or columns, margins included.
        window: rows or columns of a window.
        stride: from a window to the next.
        dilation: from one number of a window to the next.
    """
    return (length - (window - 1) * dilation - 1) // stride + 1


def windows(x: np.ndarray, window: Pair, strides: Pair, dilation: Pair = (1, 1)) -> np.ndarray:
    """Returns a view of all windows, (b, rows, columns, window rows, window columns, c).

    Args:
        x: (b, h, w, c), margins included.
        window: rows and columns.
        strides: from a window to the next.
        dilation: from one number of a window to the next.
    """
    extent = tuple((length - 1) * step + 1 for length, step in zip(window, dilation, strict=True))
    seen = np.lib.stride_tricks.sliding_window_view(x, extent, axis=(1, 2))
    seen = seen[:, :: strides[0], :: strides[1], :, :: dilation[0], :: dilation[1]]
    return seen.transpose(0, 1, 2, 4, 5, 3)


def same_margins(lengths: Pair, window: Pair, strides: Pair, dilation: Pair = (1, 1)) -> Margins:
    """Returns the margins that `padding="same"` means: as few as let every stride have a window.

    Args:
        lengths: rows and columns of a map.
        window: rows and columns.
        strides: from a window to the next.
        dilation: from one number of a window to the next.
    """
    found: list[int] = []
    for length, size, stride, step in zip(lengths, window, strides, dilation, strict=True):
        extent = (size - 1) * step + 1
        missing = max((-(-length // stride) - 1) * stride + extent - length, 0)
        found += [missing // 2, missing - missing // 2]
    top, bottom, left, right = found
    return top, bottom, left, right
