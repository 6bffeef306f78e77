"""Floating point numbers of few bits: any exponent, mantissa and bias, and the 8, 6 and 4 bit formats of OCP.

OCP 8-bit Floating Point Specification (OFP8) 1.0 and OCP Microscaling Formats (MX) 1.0,
https://www.opencompute.org/documents/ocp-microscaling-formats-mx-v1-0-spec-final-pdf
"""

import dataclasses
from typing import Literal, TypeAlias

import numpy as np
from keras import ops

from source.config.errors import ConfigError
from source.numeric import _bits
from source.numeric._binade import round_mantissa
from source.numeric._bits import Tensor
from source.numeric.format import ElementFormat
from source.numeric.rounding import Rounding, letter

Specials: TypeAlias = Literal["none", "nan", "inf"]


@dataclasses.dataclass(frozen=True)
class Minifloat(ElementFormat):
    """Numbers ±2^e * (1 + k / 2^mantissa) and, below, ±2^lowest * k / 2^mantissa, with whole k < 2^mantissa.

    Exponents e run from `lowest` = 1 - bias to `highest` = 2^exponent - 1 - bias. Rounding saturates.

    Attributes:
        exponent: bits of the exponent, 1 to 8.
        mantissa: bits of the mantissa, 0 to 23.
        bias: of the exponent; None is 2^(exponent - 1) - 1.
        signed: whether there is a sign; without, numbers below zero become zero.
        flush: whether numbers below 2^lowest become zero instead of subnormal.
        specials: which codes are no numbers: "none"; "nan", the highest alone (OCP E4M3); "inf", those of the highest
            exponent, infinity and NaN (IEEE 754, OCP E5M2).
        rounding: how to round.
    """

    exponent: int
    mantissa: int
    bias: int | None = None
    signed: bool = True
    flush: bool = False
    specials: Specials = "none"
    rounding: Rounding = "nearest"

    @property
    def bits(self) -> int:
        """Width of a code: sign, exponent and mantissa."""
        return self.exponent + self.mantissa + self.signed

    @property
    def lowest(self) -> int:
        """Exponent of the smallest normal number."""
        return 1 - self._bias

    @property
    def highest(self) -> int:
        """Exponent of the largest number."""
        return min(127, (1 << self.exponent) - 1 - self._bias - (self.specials == "inf"))

    @property
    def largest(self) -> float:
        """The largest number."""
        steps = (2 << self.mantissa) - 1 - (self.specials == "nan")
        return steps * 2.0 ** (self.highest - self.mantissa)

    def ends(self) -> tuple[float, float]:
        """Returns the smallest and the largest number of the format."""
        return -self.largest if self.signed else 0.0, self.largest

    @property
    def _bias(self) -> int:
        return (1 << (self.exponent - 1)) - 1 if self.bias is None else self.bias

    def round_tensor(self, x: Tensor, seed: int | Tensor | None = None) -> Tensor:
        """Returns x rounded: multiples of 2^(max(floor(log2 |x|), lowest) - mantissa) up to the largest number."""
        # The largest number is on the grid, so rounding what was clipped never leaves the range.
        if self.signed:
            x = ops.clip(x, -self.largest, self.largest)
        else:
            x = ops.abs(ops.clip(x, 0.0, self.largest))  # of -0 and 0 either may be the larger
        if self.flush:
            x = ops.where(ops.abs(x) < 2.0**self.lowest, 0.0, x)
        return round_mantissa(x, self.mantissa, self.lowest, self.highest, self.rounding, seed)

    def _round(self, x: Tensor, axis: int, seed: int | Tensor | None) -> Tensor:
        # TensorFlow's graphs move a constant that is added later into the sums that round: `round(x) + 0.001` became
        # `round(x + 0.001)`. They do not move it through a choice, which never falls on the first number here.
        rounded = self.round_tensor(x, seed)
        return ops.where(rounded > self.largest, self.largest, rounded)

    def to_codes(self, values: np.ndarray) -> np.ndarray:
        """Returns sign, biased exponent and mantissa, from the highest bit to the lowest."""
        nan = np.isnan(values)
        if self.specials == "none":
            self._refuse_nan(values)
        magnitude = np.where(nan, 0.0, np.abs(values.astype(np.float64)))
        exponent = np.maximum(np.frexp(magnitude)[1] - 1, self.lowest)
        steps = np.ldexp(magnitude, self.mantissa - exponent).astype(np.int64)
        # Steps of normal numbers hold the leading one, which adds itself to the exponent.
        codes = ((exponent - self.lowest) << self.mantissa) + steps
        codes = np.where(nan, self._nan_code, np.where(magnitude == 0.0, 0, codes))
        negative = np.signbit(values) & ~nan & self.signed
        return codes | (negative.astype(np.int64) << (self.bits - 1))

    def from_codes(self, codes: np.ndarray) -> np.ndarray:
        """Returns the numbers of codes; NaN and infinity where they stand for that."""
        codes = np.asarray(codes, np.int64)
        magnitude = codes & ((1 << (self.exponent + self.mantissa)) - 1)
        field, fraction = magnitude >> self.mantissa, magnitude & ((1 << self.mantissa) - 1)
        steps = np.where(field > 0, fraction + (1 << self.mantissa), 0 if self.flush else fraction)
        numbers = np.ldexp(steps.astype(np.float64), np.maximum(field, 1) - self._bias - self.mantissa)
        numbers = np.where(numbers < _bits.SMALLEST_NORMAL, 0.0, self._with_specials(numbers, field, fraction))
        negative = codes >> (self.bits - 1) == 1 if self.signed else False
        return np.where(negative, -numbers, numbers).astype(np.float32)

    def _with_specials(self, numbers: np.ndarray, field: np.ndarray, fraction: np.ndarray) -> np.ndarray:
        top = field == (1 << self.exponent) - 1
        numbers = np.where(numbers > np.finfo(np.float32).max, np.inf, numbers)  # exponents that float32 lacks
        if self.specials == "inf":
            return np.where(top, np.where(fraction == 0, np.inf, np.nan), numbers)
        if self.specials == "nan":
            return np.where(top & (fraction == (1 << self.mantissa) - 1), np.nan, numbers)
        return numbers

    @property
    def _nan_code(self) -> int:
        exponent = ((1 << self.exponent) - 1) << self.mantissa
        return exponent | ((1 << self.mantissa) - 1 if self.specials == "nan" else 1 << self.mantissa >> 1)

    def _check(self) -> None:
        if not (1 <= self.exponent <= 8 and 0 <= self.mantissa <= 23):
            raise ConfigError(
                "A minifloat has 1 to 8 bits of exponent and 0 to 23 of mantissa. "
                f"Received: exponent={self.exponent}, mantissa={self.mantissa}."
            )
        smallest = max(-125, (1 << self.exponent) - 128) if self.exponent < 8 else 127
        if not smallest <= self._bias <= 127:
            raise ConfigError(
                f"`bias` must be in [{smallest}, 127] for {self.exponent} bits of exponent, which float32 holds. "
                f"Received: bias={self.bias}."
            )
        if self.specials not in ("none", "nan", "inf"):
            raise ConfigError(f'`specials` must be "none", "nan" or "inf". Received: specials={self.specials!r}.')
        if self.specials != "none" and (not self.signed or self.bias is not None or self.exponent + self.mantissa < 7):
            raise ConfigError(
                "Codes for NaN or infinity go with a sign, the usual bias and at least 8 bits. Received: "
                f"specials={self.specials!r}, signed={self.signed}, bias={self.bias}, bits={self.bits}."
            )
        if self.specials == "none" and self.bias is None:
            object.__setattr__(self, "bias", self._bias)  # equal formats compare equal

    def __str__(self) -> str:
        flags = ("F" if self.flush else "_") + letter(self.rounding)
        if self.specials == "none":
            return f"FP[{int(self.signed)}|{self.exponent}|{self.mantissa},{self.bias}]({flags})"
        name = f"fp{self.bits}_e{self.exponent}m{self.mantissa}" + ("fn" if self.specials == "nan" else "")
        return name if flags == "_N" else f"{name}({flags})"
