"""The largest of many numbers, exactly as many as asked for; of equal ones the earlier.

Numbers are compared as integers, by counting: no sort, whose order of equal numbers differs between backends, and
whose cost is several times as much.
"""

import numpy as np
from keras import ops

from source.numeric._bits import MAGNITUDE, SMALLEST_NORMAL, Tensor

LOWEST = -(1 << 31)  # the key of NaN
HIGHEST = (1 << 31) - 1  # above the key of infinity
_BITS = 32
# Comparing all pairs of a group takes size^2 / 2 operations, halving the range of keys 32 passes.
_LARGEST_PAIRED = 8


def order_keys(numbers: Tensor) -> Tensor:
    """Returns int32 in the order of the numbers: NaN lowest, zeros and subnormal numbers equal.

    Args:
        numbers: of any type and shape; rounded to float32.
    """
    x = ops.stop_gradient(ops.cast(numbers, "float32"))
    bits = ops.view(x, "int32")
    # Backends that flush subnormal numbers and those that do not agree by their bits.
    magnitude = ops.bitwise_and(bits, MAGNITUDE)
    bits = ops.where(magnitude < int(np.float32(SMALLEST_NORMAL).view(np.int32)), 0, bits)
    keys = ops.where(bits < 0, ops.bitwise_xor(bits, MAGNITUDE), bits)
    return ops.where(ops.isnan(x), LOWEST, keys)


def from_keys(keys: Tensor) -> Tensor:
    """Returns the float32 numbers of keys; NaN for the key of NaN."""
    numbers = ops.view(ops.where(keys < 0, ops.bitwise_xor(keys, MAGNITUDE), keys), "float32")
    return ops.where(keys == LOWEST, float("nan"), numbers)


def keep_largest(keys: Tensor, kept: int | Tensor, axis: int) -> Tensor:
    """Returns whether a key is among the `kept` largest along an axis, the earlier of equal ones.

    Args:
        keys: int32.
        kept: how many, from 0 to the length of the axis.
        axis: not negative.

    Returns:
        bool, in the shape of the keys, true exactly `kept` times along the axis.
    """
    if 1 < int(keys.shape[axis]) <= _LARGEST_PAIRED:
        return _by_pairs(keys, kept, axis)
    border = kth_largest(keys, kept, axis)
    above = keys > border
    equal = ops.cast(keys == border, "int32")
    room = kept - _count(above, axis)
    return ops.logical_or(above, ops.logical_and(equal > 0, ops.cumsum(equal, axis=axis) <= room))


def kth_largest(keys: Tensor, kept: int | Tensor, axis: int) -> Tensor:
    """Returns the key above or at which `kept` keys lie, bit by bit from the highest; the axis stays with size one.

    Args:
        keys: int32.
        kept: how many; for 0 the result is `HIGHEST`.
        axis: not negative.
    """
    shape = [1 if place == axis else length for place, length in enumerate(keys.shape)]
    one = ops.convert_to_tensor(1, "int32")

    def with_next_bit(place: Tensor, border: Tensor) -> Tensor:
        # The highest bit is the sign, which counts the other way round: flipping serves both.
        higher = ops.bitwise_xor(border, ops.left_shift(one, _BITS - 1 - place))
        return ops.where(_count(keys >= higher, axis) >= kept, higher, border)

    return ops.fori_loop(0, _BITS, with_next_bit, ops.full(shape, LOWEST, "int32"))


def _by_pairs(keys: Tensor, kept: int | Tensor, axis: int) -> Tensor:
    """Returns the same by counting for each key those before it that are not smaller, and those behind that are."""
    each = ops.unstack(keys, axis=axis)
    rank = [ops.zeros_like(each[0]) for _ in each]
    for later in range(1, len(each)):
        for earlier in range(later):
            first = ops.cast(each[earlier] >= each[later], "int32")
            rank[later] = rank[later] + first
            rank[earlier] = rank[earlier] + 1 - first
    return ops.stack([place < kept for place in rank], axis=axis)


def _count(condition: Tensor, axis: int) -> Tensor:
    return ops.sum(ops.cast(condition, "int32"), axis=axis, keepdims=True)
