"""Sums in a fixed order of additions, so that eager, graph and compiled execution give the same bits."""

from keras import ops

from source.numeric._bits import SMALLEST_NORMAL, Tensor


def column_sums(x: Tensor) -> Tensor:
    """Returns the sums of the columns of a float32 matrix: halves are added until one row is left.

    Args:
        x: of shape (rows, columns), at least one row.
    """
    x = settled(x)
    while (rows := int(x.shape[0])) > 1:
        half = rows // 2
        pairs = x[:half] + x[half : 2 * half]
        x = ops.concatenate([pairs, x[2 * half :]]) if rows % 2 else pairs
    return x[0]


def settled(x: Tensor) -> Tensor:
    """Returns x with subnormal numbers as zero.

    The choice also stands between a product and a sum, which compilers would contract to one rounding.
    """
    return ops.where(ops.abs(x) < SMALLEST_NORMAL, ops.zeros_like(x), x)
