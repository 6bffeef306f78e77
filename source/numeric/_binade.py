"""Rounding to a number of mantissa bits, with a lowest binade below which the step no longer shrinks."""

from keras import ops

from source.numeric import _bits
from source.numeric._bits import MANTISSA_BITS, Tensor, power
from source.numeric.rounding import Rounding, scale, to_integers

# Beyond, |x| is no longer small against the constant that rounds it.
_MOST_BITS_BY_ADDITION = 21
_FAR = 64  # binades by which numbers are brought near 1 when float32 has no room for steps or constants
_ONE_AND_A_HALF = 0x400000  # the mantissa bits of 1.5


def round_mantissa(
    x: Tensor, mantissa: int, lowest: int, highest: int, rounding: Rounding, seed: int | Tensor | None
) -> Tensor:
    """Returns the multiples of 2^(max(e, lowest) - mantissa) that x rounds to, with e = floor(log2 |x|).

    Args:
        x: float32 below 2^(highest + 1) in magnitude.
        mantissa: bits behind the point of the significand, 0 to 23.
        lowest: exponent of the binade below which the step stays.
        highest: exponent of the highest binade.
        rounding: how.
        seed: of stochastic rounding.
    """
    if lowest - mantissa >= _bits.LOWEST_STEP and highest + MANTISSA_BITS - mantissa <= 127:
        return _round_near(x, mantissa, power(lowest), rounding, seed)
    if lowest - _FAR - mantissa >= _bits.LOWEST_STEP:
        down = scale(x, 2.0**-_FAR, rounding)
        return _round_near(down, mantissa, power(lowest - _FAR), rounding, seed) * 2.0**_FAR
    return _round_far(x, mantissa, lowest, rounding, seed)


def _round_near(
    x: Tensor, mantissa: int, lowest_bits: int | Tensor, rounding: Rounding, seed: int | Tensor | None
) -> Tensor:
    exponents = ops.maximum(_bits.exponent_bits(x), lowest_bits)
    if rounding == "nearest" and mantissa <= _MOST_BITS_BY_ADDITION:
        # 1.5 * 2^(e + 23 - m) has the ulp 2^(e - m): the sum is rounded to it, to nearest with ties to even. Six
        # operations; scaling, rounding and scaling back takes eight.
        constant = ops.view(exponents + (((MANTISSA_BITS - mantissa) << MANTISSA_BITS) | _ONE_AND_A_HALF), "float32")
        return (x + constant) - constant
    step = exponents - (mantissa << MANTISSA_BITS)
    inverse = ops.view(power(0) * 2 - step, "float32")
    return to_integers(scale(x, inverse, rounding), rounding, seed) * ops.view(step, "float32")


def _round_far(x: Tensor, mantissa: int, lowest: int, rounding: Rounding, seed: int | Tensor | None) -> Tensor:
    """As above for formats as wide as float32: numbers from 1 on are brought down, the others up, and back."""
    large = ops.abs(x) >= 1.0
    down = ops.where(large, 2.0**-_FAR, _bits.float32(2.0**_FAR))
    back = ops.where(large, 2.0**_FAR, _bits.float32(2.0**-_FAR))
    # Formats that come here reach far below 1: for large numbers the step always shrinks.
    lowest_bits = ops.where(large, power(-_FAR), ops.convert_to_tensor(power(lowest + _FAR), "int32"))
    near = _round_near(scale(x, down, "nearest"), mantissa, lowest_bits, rounding, seed)
    subnormal = ops.abs(near) < ops.where(large, 0.0, _bits.float32(_bits.SMALLEST_NORMAL * 2.0**_FAR))
    return ops.where(subnormal, 0.0, near * back)
