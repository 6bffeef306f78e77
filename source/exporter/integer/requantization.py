"""Products of integers and real factors by integer arithmetic alone, as TensorFlow Lite defines them.

A positive factor r is held as m * 2^(shift - 31) with m in [2^30, 2^31). Jacob et al.: Quantization and training of
neural networks for efficient integer-arithmetic-only inference, 2018, https://arxiv.org/abs/1712.05877
"""

import math
from collections.abc import Iterable
from typing import Literal

import numpy as np

from source.config.errors import DataError

Rounding = Literal["double", "single"]
ROUNDINGS = ("double", "single")
INT32_MAX = (1 << 31) - 1


def quantized_multiplier(factor: float) -> tuple[int, int]:
    """Returns m and shift of a factor: |m * 2^(shift - 31) - factor| <= 2^-31 * factor.

    Args:
        factor: at least 0. Below 2^-32 the product of any int32 rounds to 0, and so does the factor.

    Raises:
        DataError: for a factor that is negative, not finite, or above 2^30.
    """
    if not 0.0 <= factor < 2.0**30:
        raise DataError(f"A factor of an accumulator must be in [0, 2^30). Received: {factor}.")
    fraction, shift = math.frexp(factor)
    multiplier = math.floor(fraction * 2.0**31 + 0.5)
    if multiplier == 1 << 31:  # of a fraction within 2^-32 of 1
        multiplier, shift = 1 << 30, shift + 1
    return (multiplier, shift) if shift >= -31 else (0, 0)


def quantized_multipliers(factors: Iterable[float]) -> tuple[np.ndarray, np.ndarray]:
    """Returns multipliers and shifts, int32, of several factors.

    Args:
        factors: as for `quantized_multiplier`.
    """
    pairs = [quantized_multiplier(float(factor)) for factor in factors]
    multipliers, shifts = zip(*pairs, strict=True)
    return np.array(multipliers, np.int32), np.array(shifts, np.int32)


def mean_multiplier(factor: float, count: int) -> tuple[int, int]:
    """Returns m and shift of factor / count, for sums of `count` integers.

    The factor is made fixed point first and then divided, downwards: what TensorFlow Lite's MEAN does.

    Args:
        factor: scale of the numbers over scale of their mean.
        count: how many numbers, positive.
    """
    multiplier, shift = quantized_multiplier(factor)
    lift = max(0, min(count.bit_length() - 1, 32, 31 + shift))
    return (multiplier << lift) // count, shift - lift


def multiply(x: np.ndarray, multiplier: np.ndarray, shift: np.ndarray, rounding: Rounding = "single") -> np.ndarray:
    """Returns x * multiplier * 2^(shift - 31), rounded to integers, int64.

    "double" rounds twice, each time to the nearest: the product to 31 bits less, ties upwards, then that to the shift,
    ties away from zero (TensorFlow Lite's reference kernels). "single" rounds once, ties upwards.
    What x becomes by a positive shift saturates at int32.

    Args:
        x: integers of at most 32 bits.
        multiplier: 0, or in [2^30, 2^31); broadcasts with x.
        shift: -62 to 30; broadcasts with x.
        rounding: one of `ROUNDINGS`.
    """
    factor, exponent = np.asarray(multiplier, np.int64), np.asarray(shift, np.int64)
    left, right = np.maximum(exponent, 0), np.maximum(-exponent, 0)
    lifted = np.asarray(x, np.int64)
    if left.any():
        lifted = np.clip(lifted << left, -INT32_MAX - 1, INT32_MAX)
    if rounding == "double":
        return rounded_shift(doubled_high_product(lifted, factor), right)
    # 62 bits of product and 30 of rounding: a shift beyond 62 would leave nothing of either.
    places = np.minimum(31 + right, 62)
    product = lifted * factor
    product += np.int64(1) << (places - 1)
    product >>= places
    return product


def doubled_high_product(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Returns x * y / 2^31 to the nearest integer, ties upwards, for int32 numbers held as int64.

    Args:
        x: int64.
        y: int64, at least 0.
    """
    product = x * y
    product += 1 << 30
    product >>= 31
    return product


def rounded_shift(x: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Returns x / 2^places to the nearest integer, ties away from zero.

    Args:
        x: int64.
        places: 0 to 62.
    """
    # Half is added to a positive number, and one less than half to a negative one, before the shift cuts downwards.
    half = (np.int64(1) << places) >> 1
    rounded = x + half
    rounded -= (x < 0) & (places > 0)
    rounded >>= places
    return rounded
