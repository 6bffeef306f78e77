"""Means of magnitudes that do not depend on the order of summation: sums of integers are exact."""

from keras import ops

from source.numeric import _bits
from source.numeric._bits import MANTISSA_BITS, Tensor

_SIGNIFICAND_BITS = MANTISSA_BITS + 1
_PART_BITS = 4  # int32 has room for the sum of 2^26 of them and a carry


def mean_magnitude(blocks: Tensor, axes: tuple[int, ...], chosen: Tensor | None = None) -> Tensor:
    """Returns the mean of |x| over axes, which stay with size one; NaN for a group with NaN.

    |x| is counted in units of the last bit of the group's largest magnitude, so that the sum is one of 24 bit
    integers. These are summed in parts of 4 bits; a group may have 2^26 numbers.

    Args:
        blocks: float32 numbers.
        axes: what to average over.
        chosen: whether a number counts; without, all do. The mean of none is zero.
    """
    largest = _bits.largest_magnitude(blocks, axes)
    unit = _bits.power_of_two(_bits.exponent_bits(_bits.finite(largest)), -MANTISSA_BITS, largest)
    bounded = ops.minimum(ops.abs(blocks), _bits.finite(largest))  # infinity counts as the largest number
    units = ops.round(bounded * _bits.reciprocal(unit))
    units = ops.where(ops.isnan(units) if chosen is None else ops.logical_not(chosen), 0.0, units)
    count = ops.ones_like(blocks) if chosen is None else ops.cast(chosen, "float32")
    whole = _sum(ops.cast(units, "int32"), axes)
    number = ops.cast(ops.sum(ops.cast(count, "int32"), axis=axes, keepdims=True), "float32")
    mean = _bits.divide(whole, ops.maximum(number, 1.0)) * unit
    return ops.where(mean < _bits.SMALLEST_NORMAL, 0.0, mean)


def _sum(numbers: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Returns the sum of int32 of 24 bits as float32: one addition, as compilers reorder longer chains."""
    carry, low_bits = 0, 0
    for low in range(0, _SIGNIFICAND_BITS - _PART_BITS, _PART_BITS):
        total = carry + _sum_of_part(numbers, axes, low)
        low_bits = low_bits + ops.left_shift(ops.bitwise_and(total, (1 << _PART_BITS) - 1), low)
        carry = ops.right_shift(total, _PART_BITS)
    high = _SIGNIFICAND_BITS - _PART_BITS
    high_bits = carry + _sum_of_part(numbers, axes, high)
    return ops.cast(high_bits, "float32") * 2.0**high + ops.cast(low_bits, "float32")


def _sum_of_part(numbers: Tensor, axes: tuple[int, ...], low: int) -> Tensor:
    part = ops.bitwise_and(ops.right_shift(numbers, low), (1 << _PART_BITS) - 1)
    return ops.sum(part, axis=axes, keepdims=True)
