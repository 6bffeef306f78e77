"""Powers of two and zero, a product with which is a shift; and the 8 bit scale format E8M0."""

import dataclasses

import numpy as np
from keras import ops

from source.config.errors import ConfigError
from source.numeric import _bits
from source.numeric._bits import Tensor, power
from source.numeric.format import ElementFormat
from source.numeric.rounding import Rounding, suffix, to_integers

_HALF_MANTISSA = 0x400000
_E8M0_BIAS = 127
_E8M0_NAN = 255


@dataclasses.dataclass(frozen=True)
class PowerOfTwo(ElementFormat):
    """Numbers 0 and ±2^e with `exponents` values of e, the largest of which is `top`.

    Rounds to the nearest by distance: from 1.5 * 2^e on to 2^(e + 1), from above half the smallest on to the
    smallest. A code is the sign and, in the lower bits, 0 for zero or 1 + e - lowest.

    Attributes:
        exponents: how many there are, 1 to 254.
        top: the largest, at most 127.
        rounding: how to round.
    """

    exponents: int
    top: int = 0
    rounding: Rounding = "nearest"

    @property
    def bits(self) -> int:
        """Width of a code."""
        return self.exponents.bit_length() + 1

    @property
    def lowest(self) -> int:
        """The smallest exponent."""
        return self.top - self.exponents + 1

    def round_tensor(self, x: Tensor, seed: int | Tensor | None = None) -> Tensor:
        """Returns the power of two, with its sign, that x rounds to."""
        bits = ops.view(x, "int32")
        magnitude = ops.bitwise_and(bits, _bits.MAGNITUDE)
        if self.rounding == "nearest":
            rounded = self._nearest(ops.minimum(magnitude, _bits.LARGEST))
        else:
            rounded = self._between(x, ops.minimum(magnitude, power(self.top)), seed)
        signed = ops.view(ops.bitwise_or(rounded, bits - magnitude), "float32")
        return ops.where(magnitude > _bits.EXPONENT, float("nan"), signed)

    def _nearest(self, magnitude: Tensor) -> Tensor:
        """Returns the bits of the nearest power, of the bits of |x|."""
        # Half a mantissa carries into the exponent from 1.5 on.
        rounded = ops.bitwise_and(ops.minimum(magnitude + _HALF_MANTISSA, power(127)), _bits.EXPONENT)
        kept = ops.minimum(ops.maximum(rounded, power(self.lowest)), power(self.top))
        return ops.where(magnitude > power(self.lowest - 1), kept, 0)

    def _between(self, x: Tensor, magnitude: Tensor, seed: int | Tensor | None) -> Tensor:
        """Returns the bits of the power below or above |x|."""
        exponent = ops.bitwise_and(magnitude, _bits.EXPONENT)
        normal = magnitude >= power(self.lowest)
        low = ops.where(normal, exponent, 0)
        high = ops.where(normal, ops.minimum(exponent + power(1) - power(0), power(self.top)), power(self.lowest))
        # Mantissa bits as a number in [0, 1); below the smallest power, |x| over that power.
        share = ops.where(normal, ops.cast(magnitude - exponent, "float32") * 2.0**-23, self._share_below(magnitude))
        share = ops.where(magnitude < power(-126), 0.0, share)
        negative = ops.view(x, "int32") < 0
        rounded = to_integers(ops.where(negative, -share, share), self.rounding, seed)
        return ops.where(ops.abs(rounded) > 0.5, high, low)

    def _share_below(self, magnitude: Tensor) -> Tensor:
        # Dividing by 2^lowest is subtracting from the exponent; what underflows keeps 2^-100.
        shifted = ops.minimum(magnitude, power(self.lowest)) - (power(self.lowest) - power(0))
        return ops.view(ops.maximum(shifted, power(-100)), "float32")

    def to_codes(self, values: np.ndarray) -> np.ndarray:
        """Returns sign and position of the power."""
        self._refuse_nan(values)
        exponent = np.frexp(values)[1] - 1
        position = np.where(values == 0.0, 0, exponent - self.lowest + 1)
        return position | ((values < 0.0).astype(np.int64) << (self.bits - 1))

    def from_codes(self, codes: np.ndarray) -> np.ndarray:
        """Returns the numbers of codes; positions beyond the largest power give that power."""
        codes = np.asarray(codes, np.int64)
        position = np.minimum(codes & ((1 << (self.bits - 1)) - 1), self.exponents)
        magnitude = np.where(position == 0, 0.0, np.ldexp(1.0, self.lowest - 1 + position))
        return np.where(codes >> (self.bits - 1) == 1, -magnitude, magnitude).astype(np.float32)

    def _check(self) -> None:
        if self.exponents < 1 or self.top > 127 or self.lowest < _bits.LOWEST_STEP:
            raise ConfigError(
                "Powers of two must be in [2^-125, 2^127], at least one. "
                f"Received: exponents={self.exponents}, top={self.top}."
            )
        if (self.exponents + 1) & self.exponents and self.exponents & (self.exponents - 1):
            raise ConfigError(
                f"`exponents` must be 2^k - 1, which fills k + 1 bits, or 2^k. Received: exponents={self.exponents}."
            )

    def __str__(self) -> str:
        if (self.exponents + 1) & self.exponents == 0:
            top = f",{self.top}" if self.top else ""
            return f"pow2<{self.bits}{top}>" + suffix(self.rounding)
        return f"shift<{self.bits - 2},{-self.lowest}>" + suffix(self.rounding)


@dataclasses.dataclass(frozen=True)
class ScaleExponent(ElementFormat):
    """OCP's E8M0: 2^-126 to 2^127, and NaN for what is not positive. Ties go up. A code is the exponent + 127."""

    @property
    def rounding(self) -> Rounding:  # type: ignore[override]
        """To nearest; the format has no other."""
        return "nearest"

    @property
    def bits(self) -> int:
        """Width of a code: 8."""
        return 8

    def round_tensor(self, x: Tensor, seed: int | Tensor | None = None) -> Tensor:
        """Returns the nearest power of two; NaN for zero and below."""
        bits = ops.view(x, "int32")
        rounded = ops.bitwise_and(ops.minimum(bits, _bits.LARGEST) + _HALF_MANTISSA, _bits.EXPONENT)
        kept = ops.view(ops.minimum(rounded, power(127)), "float32")
        number = ops.logical_and(bits >= power(-126), bits <= _bits.EXPONENT)
        return ops.where(number, kept, float("nan"))

    def to_codes(self, values: np.ndarray) -> np.ndarray:
        """Returns the exponent + 127; 255 for NaN."""
        exponent = np.frexp(np.where(np.isnan(values), np.float32(1.0), values))[1] - 1
        return np.where(np.isnan(values), _E8M0_NAN, exponent + _E8M0_BIAS)

    def from_codes(self, codes: np.ndarray) -> np.ndarray:
        """Returns powers of two; 2^-127, which float32 has as a subnormal number only, as zero."""
        codes = np.asarray(codes, np.int64)
        powers = np.where(codes == 0, 0.0, np.ldexp(1.0, codes - _E8M0_BIAS))
        return np.where(codes == _E8M0_NAN, np.nan, powers).astype(np.float32)

    def values(self) -> np.ndarray:
        """Returns 2^-126 to 2^127."""
        return super().values()[1:]

    def _check(self) -> None:
        """Accepts the format: it has no fields."""

    def __str__(self) -> str:
        return "fp8_e8m0"
