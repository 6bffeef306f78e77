"""Floating point numbers without subnormal ones: a zero, and every exponent at full precision."""

import dataclasses

import numpy as np
from keras import ops

from source.config.errors import ConfigError
from source.numeric import _bits
from source.numeric._binade import round_mantissa
from source.numeric._bits import Tensor
from source.numeric.format import ElementFormat
from source.numeric.rounding import Rounding, scale, suffix, to_integers


@dataclasses.dataclass(frozen=True)
class NormalizedFloat(ElementFormat):
    """Numbers 0 and ±2^e * (1 + k / 2^mantissa), with e from -bias to 2^exponent - 1 - bias and whole k < 2^mantissa.

    A code is the sign and, in the lower bits, 0 for zero or 1 + (e + bias) * 2^mantissa + k.

    Attributes:
        exponent: bits of the exponent, 0 to 7.
        mantissa: bits of the mantissa, 0 to 20.
        bias: of the exponent; positive for fractions.
        rounding: how to round.
    """

    exponent: int
    mantissa: int
    bias: int
    rounding: Rounding = "nearest"

    @property
    def bits(self) -> int:
        """Width of a code: one more than sign, exponent and mantissa, for zero."""
        return self.exponent + self.mantissa + 2

    @property
    def lowest(self) -> int:
        """Exponent of the smallest number."""
        return -self.bias

    @property
    def highest(self) -> int:
        """Exponent of the largest number."""
        return (1 << self.exponent) - 1 - self.bias

    @property
    def largest(self) -> float:
        """The largest number."""
        return (2.0 - 2.0**-self.mantissa) * 2.0**self.highest

    def ends(self) -> tuple[float, float]:
        """Returns the smallest and the largest number of the format."""
        return -self.largest, self.largest

    def round_tensor(self, x: Tensor, seed: int | Tensor | None = None) -> Tensor:
        """Returns x rounded in its binade; below the smallest number, to that number or to zero."""
        x = ops.clip(x, -self.largest, self.largest)
        smallest = 2.0**self.lowest
        normal = round_mantissa(x, self.mantissa, self.lowest, self.highest, self.rounding, seed)
        below = to_integers(scale(x, 1.0 / smallest, self.rounding), self.rounding, seed) * smallest
        return ops.where(ops.abs(x) < smallest, below, normal)

    def to_codes(self, values: np.ndarray) -> np.ndarray:
        """Returns sign and position of the magnitude."""
        self._refuse_nan(values)
        magnitude = np.abs(values.astype(np.float64))
        exponent = np.frexp(magnitude)[1] - 1
        steps = np.ldexp(magnitude, self.mantissa - exponent).astype(np.int64)
        position = 1 + ((exponent - self.lowest - 1) << self.mantissa) + steps
        return np.where(magnitude == 0.0, 0, position | ((values < 0.0).astype(np.int64) << (self.bits - 1)))

    def from_codes(self, codes: np.ndarray) -> np.ndarray:
        """Returns the numbers of codes; positions beyond the largest number give that number."""
        codes = np.asarray(codes, np.int64)
        position = np.minimum(codes & ((1 << (self.bits - 1)) - 1), 1 << (self.exponent + self.mantissa))
        field, fraction = (position - 1) >> self.mantissa, (position - 1) & ((1 << self.mantissa) - 1)
        magnitude = np.ldexp(1.0 + fraction * 2.0**-self.mantissa, field + self.lowest)
        signed = np.where(codes >> (self.bits - 1) == 1, -magnitude, magnitude)
        return np.where(position == 0, 0.0, signed).astype(np.float32)

    def _check(self) -> None:
        if not (0 <= self.exponent <= 7 and 0 <= self.mantissa <= 20):
            raise ConfigError(
                "A float without subnormal numbers has 0 to 7 bits of exponent and 0 to 20 of mantissa. "
                f"Received: exponent={self.exponent}, mantissa={self.mantissa}."
            )
        if self.lowest - self.mantissa < _bits.LOWEST_STEP or self.highest > _bits.HIGHEST_STEP:
            raise ConfigError(
                "Steps must be at least 2^-125 and numbers below 2^127. "
                f"Received: exponents {self.lowest} to {self.highest}, mantissa={self.mantissa}."
            )

    def __str__(self) -> str:
        return f"float<{self.exponent},{self.mantissa},{self.bias}>" + suffix(self.rounding)
