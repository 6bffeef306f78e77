"""Exact arithmetic on the bits of float32 numbers, alike on every backend and in every mode of execution.

What breaks equality between eager, graph and compiled execution is kept out of this room: `log2` (an ulp below a
power of two it answers with the power), products that feed sums (compilers contract them to one rounding),
divisions by constants (compilers multiply by the reciprocal), maxima over float numbers with NaN among them
(order decides), and subnormal numbers (TensorFlow flushes them to zero, other backends do not).
"""

from typing import Any

from keras import ops

Tensor = Any  # a tensor of whichever backend Keras runs on

MANTISSA_BITS = 23
MAGNITUDE = 0x7FFFFFFF
EXPONENT = 0x7F800000  # also the bits of infinity
LARGEST = 0x7F7FFFFF  # the bits of the largest finite number
LARGEST_NUMBER = (2.0 - 2.0**-23) * 2.0**127
NAN = 0x7FC00000
SMALLEST_NORMAL = 2.0**-126
# Steps are never finer: half a step is then no subnormal, so flushing one to zero is what rounding does anyway.
LOWEST_STEP = -125
# A step of 2^127 would have a subnormal reciprocal.
HIGHEST_STEP = 126


def power(exponent: int) -> int:
    """Returns the bits of 2^exponent, for an exponent in [-126, 127]."""
    return (exponent + 127) << MANTISSA_BITS


def float32(number: Tensor | float) -> Tensor:
    """Returns a number as a float32 tensor: a choice between two plain numbers would have Keras' `floatx`."""
    return ops.convert_to_tensor(number, "float32")


def exponent_bits(x: Tensor) -> Tensor:
    """Returns the bits of the largest power of two not above |x|: int32, 0 for zeros and subnormal numbers."""
    return ops.bitwise_and(ops.view(x, "int32"), EXPONENT)


def largest_magnitude(blocks: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Returns the bits of max |x| over axes that stay with size one; above `EXPONENT` when there is a NaN.

    As integers, magnitudes have the order of the numbers, with infinity and then NaN above all.
    """
    return ops.max(ops.bitwise_and(ops.view(blocks, "int32"), MAGNITUDE), axis=axes, keepdims=True)


def finite(magnitude: Tensor) -> Tensor:
    """Returns magnitudes as float32: infinity as the largest finite number, NaN as NaN."""
    number = ops.view(ops.minimum(magnitude, LARGEST), "float32")
    return ops.where(magnitude > EXPONENT, float("nan"), number)


def power_of_two(bits: Tensor, shift: int, magnitude: Tensor, lowest: int = LOWEST_STEP) -> Tensor:
    """Returns 2^(e + shift) within the range of steps, where `bits` are those of 2^e; NaN for the magnitude of NaN.

    Args:
        bits: int32, those of powers of two or of infinity, which counts as 2^127.
        shift: added to the exponent.
        magnitude: as `largest_magnitude` gives them.
        lowest: exponent of the smallest power.
    """
    shifted = ops.minimum(bits, power(min(127, HIGHEST_STEP - shift))) + (shift << MANTISSA_BITS)
    return ops.view(ops.where(magnitude > EXPONENT, NAN, ops.maximum(shifted, power(lowest))), "float32")


def power_reciprocal(scale: Tensor) -> Tensor:
    """Returns 1 / scale of powers of two in the range of steps by one subtraction; a finite number for NaN."""
    return ops.view(2 * power(0) - ops.view(scale, "int32"), "float32")


def power_of_two_above(scale: Tensor) -> Tensor:
    """Returns the smallest powers of two not below scales, which lie between 2^-125 and 2^126."""
    return ops.view(ops.bitwise_and(ops.view(scale, "int32") + ((1 << MANTISSA_BITS) - 1), EXPONENT), "float32")


def bounded_scale(scale: Tensor, lowest: int) -> Tensor:
    """Returns scales of at least 2^lowest, and at most 2^126, above which reciprocals are subnormal."""
    return ops.minimum(ops.maximum(scale, 2.0**lowest), 2.0**HIGHEST_STEP)


def divide(x: Tensor, divisor: Tensor | float) -> Tensor:
    """Returns the quotient of numbers not below zero, rounded once.

    The choice, which always falls on the divisor, hides from compilers that it is a constant: they would multiply by
    its reciprocal.
    """
    return x / ops.where(x < 0.0, 1.0, float32(divisor))


def reciprocal(x: Tensor) -> Tensor:
    """Returns 1 / x of positive numbers, rounded once.

    Here the choice hides the one: TensorFlow's graphs take an approximate reciprocal instead of dividing it.
    """
    return ops.where(x < 0.0, 2.0, float32(1.0)) / x
