"""Fixed point numbers: whole multiples of one power of two."""

import dataclasses

import numpy as np
from keras import ops

from source.config.errors import ConfigError, DataError
from source.numeric._bits import Tensor
from source.numeric.format import ElementFormat
from source.numeric.rounding import Rounding, keep_sign, letter, scale, to_integers

_MOST_FRACTION_BITS = 64
_EXACT_INTEGERS = 2.0**24  # from here on every float32 is an integer


@dataclasses.dataclass(frozen=True)
class FixedPoint(ElementFormat):
    """Numbers n * 2^-fraction with n in [-2^(width - 1), 2^(width - 1) - 1], stored in two's complement.

    Attributes:
        width: bits of n with its sign, 1 to 25.
        fraction: bits behind the binary point, -64 to 64; may be negative, or more than the width.
        symmetric: whether the lowest n, which has no positive counterpart, is left out.
        clamp: whether numbers beyond the range become its ends; otherwise they stay beyond, and have no code.
        rounding: how to round.
    """

    width: int
    fraction: int = 0
    symmetric: bool = True
    clamp: bool = True
    rounding: Rounding = "nearest"

    @property
    def bits(self) -> int:
        """Width of a code."""
        return self.width

    @property
    def highest(self) -> int:
        """The largest n."""
        return (1 << (self.width - 1)) - 1

    @property
    def lowest(self) -> int:
        """The smallest n."""
        return -self.highest - (not self.symmetric)

    def round_tensor(self, x: Tensor, seed: int | Tensor | None = None) -> Tensor:
        """Returns clip(round(x * 2^fraction)) * 2^-fraction."""
        step = 2.0**-self.fraction
        scaled = scale(x, 1 / step, self.rounding) if self.fraction else keep_sign(x, x, self.rounding)
        integers = to_integers(scaled, self.rounding, seed)
        if self.clamp:
            integers = ops.clip(integers, float(self.lowest), float(self.highest))
            return integers * step if self.fraction else integers
        return ops.where(ops.abs(scaled) < _EXACT_INTEGERS, integers * step, x)

    def to_codes(self, values: np.ndarray) -> np.ndarray:
        """Returns n modulo 2^width."""
        self._refuse_nan(values)
        integers = np.ldexp(values.astype(np.float64), self.fraction)
        if integers.size and not (integers.min() >= self.lowest and integers.max() <= self.highest):
            raise DataError(
                f"`{self}` does not clamp, and codes end at {self.lowest} and {self.highest}. "
                f"Received: {integers.min():g} to {integers.max():g} steps."
            )
        return integers.astype(np.int64) & ((1 << self.width) - 1)

    def from_codes(self, codes: np.ndarray) -> np.ndarray:
        """Returns n * 2^-fraction."""
        sign = 1 << (self.width - 1)
        integers = (np.asarray(codes, np.int64) ^ sign) - sign
        return np.ldexp(integers.astype(np.float64), -self.fraction).astype(np.float32)

    def ends(self) -> tuple[float, float]:
        """Returns the smallest and the largest number of the format."""
        step = 2.0**-self.fraction
        return self.lowest * step, self.highest * step

    def values(self) -> np.ndarray:
        """Returns all numbers of the format in ascending order, float32."""
        numbers = super().values()
        return numbers[numbers >= self.lowest * 2.0**-self.fraction]

    def _check(self) -> None:
        if not 1 <= self.width <= 25:
            raise ConfigError(f"`width` must be in [1, 25], which float32 holds. Received: width={self.width}.")
        if abs(self.fraction) > _MOST_FRACTION_BITS:
            raise ConfigError(f"`fraction` must be in [-64, 64]. Received: fraction={self.fraction}.")

    def __str__(self) -> str:
        fraction = f"{self.fraction:+d}" if self.fraction else "0"
        flags = ("C" if self.clamp else "_") + ("S" if self.symmetric else "_") + letter(self.rounding)
        return f"XP[{self.width},{fraction}]({flags})"
