"""Arithmetic in few bits, carried by float32: every result is rounded once, alike in every mode of execution.

A sum, product or quotient of two float16 or bfloat16 numbers that is rounded to float32 and then to their own bits is
rounded as if at once, because float32 has more than twice their bits and two. So no half precision arithmetic is
needed, which compilers do in float32 where they like.
"""

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from keras import ops

from source.numeric.grammar import number_format
from source.numeric.minifloat import Minifloat

Tensor = Any  # a tensor of whichever backend Keras runs on

LARGEST = 3.4028234663852886e38
_MAGNITUDE = 0x7FFFFFFF
_EXPONENT = 0x7F800000
_MANTISSA_BITS = 23
# Of the powers of two that sums are scaled by: above, the reciprocal would be subnormal; below, its product with the
# constants that graphs may move next to it would be infinite.
_LOWEST_EXPONENT = 64 << _MANTISSA_BITS
_HIGHEST_EXPONENT = 252 << _MANTISSA_BITS
# Bits below the largest number that sums take in: more than float32 has, by enough for 4096 numbers.
_SUMMED_BITS = 36
_UNKNOWN_COUNT = 4096


def rounded(x: Tensor, numbers: str) -> Tensor:
    """Returns float32 numbers rounded to nearest; what is beyond the largest number becomes it.

    The choice at the end, which of float32 alone remains, has a second purpose: it keeps compilers from contracting a
    product and a sum, and TensorFlow's graphs from moving a constant that is added later into the rounding.

    Args:
        x: float32.
        numbers: "float16", "bfloat16", "float32" or "int".
    """
    if numbers in ("float16", "bfloat16"):
        x = _half(numbers).round_tensor(x)
    return ops.where(x > LARGEST, LARGEST, x)


def constant(value: float, numbers: str) -> float:
    """Returns a constant rounded to the working numbers.

    Args:
        value: any number in their range.
        numbers: as for `rounded`.
    """
    if numbers == "float16":
        return float(np.float16(value))
    if numbers == "bfloat16":
        bits = int(np.float32(value).view(np.uint32))
        bits += 0x7FFF + (bits >> 16 & 1)  # to nearest, ties to even
        return float(np.uint32(bits & 0xFFFF0000).view(np.float32))
    return value


def resolution(numbers: str) -> float:
    """Returns the distance from one to the next number.

    Args:
        numbers: "float16" or "float32".
    """
    return 2.0**-10 if numbers == "float16" else 2.0**-_MANTISSA_BITS


def power_of_two(exponent: Tensor) -> Tensor:
    """Returns 2^k of whole k: zero below -126, infinity above 127.

    Args:
        exponent: whole numbers as float32.
    """
    limited = ops.cast(ops.clip(exponent, -127.0, 128.0), "int32")
    return ops.view((limited + 127) * (1 << _MANTISSA_BITS), "float32")


def quotient(x: Tensor, divisor: Tensor | float) -> Tensor:
    """Returns x divided and rounded once.

    The choice hides from compilers that the divisor is constant, or the same along an axis: they would multiply by
    its reciprocal.

    Args:
        x: float32.
        divisor: positive, broadcasts with x.
    """
    return x / ops.where(x < LARGEST, ops.convert_to_tensor(divisor, "float32"), 1.0)


def reciprocal_root(x: Tensor) -> Tensor:
    """Returns 1 / sqrt(x), with the root and the quotient rounded.

    The choices keep compilers from taking an approximate reciprocal root instead.

    Args:
        x: positive, float32.
    """
    root = rounded(ops.sqrt(x), "float32")
    return ops.where(root < 0.0, 2.0, ops.convert_to_tensor(1.0, "float32")) / root


def total(x: Tensor, axis: int | Sequence[int]) -> Tensor:
    """Returns the sum over axes that stay with size one, whatever the order in which a backend adds.

    Numbers are cut into pieces of so few bits, counted from the largest number, that the sum of each piece is exact.
    Demmel, Nguyen: Fast reproducible floating-point summation, 2013, https://doi.org/10.1109/ARITH.2013.9

    Args:
        x: float32.
        axis: one or several.
    """
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    width = _MANTISSA_BITS - math.ceil(math.log2(max(2, count(x, axes) or _UNKNOWN_COUNT)))
    magnitude = ops.max(ops.bitwise_and(ops.view(x, "int32"), _MAGNITUDE), axis=axes, keepdims=True)
    exponent = ops.bitwise_and(magnitude, _EXPONENT)
    exponent = ops.minimum(ops.maximum(exponent, _LOWEST_EXPONENT), _HIGHEST_EXPONENT)
    rest = x * ops.view((254 << _MANTISSA_BITS) - exponent, "float32")
    sums = []
    for _ in range(math.ceil(_SUMMED_BITS / max(1, width))):
        scaled = rest * 2.0**width
        piece = ops.round(scaled)
        rest = scaled - piece
        sums.append(ops.sum(piece, axis=axes, keepdims=True))
    result = sums.pop()
    while sums:
        result = sums.pop() + result * 2.0**-width
    return result * 2.0**-width * ops.view(exponent, "float32")


def count(x: Tensor, axes: Sequence[int]) -> int | None:
    """Returns over how many numbers a sum over axes runs; None when a size is not known yet.

    Args:
        x: any tensor.
        axes: those summed over.
    """
    sizes = [x.shape[axis] for axis in axes]
    return None if None in sizes else math.prod(int(size) for size in sizes)


@cache
def _half(numbers: str) -> Minifloat:
    found = number_format(numbers)
    if not isinstance(found, Minifloat):  # both are: this tells the type checker
        raise TypeError(numbers)
    return found
