"""Block floating point: whole multiples of a step that a block's largest number sets."""

import dataclasses

from keras import ops

from source.config.errors import ConfigError
from source.numeric import _bits
from source.numeric._bits import Tensor
from source.numeric._groups import axis_from_start, check_group
from source.numeric.fixed_point import FixedPoint
from source.numeric.minifloat import Minifloat
from source.numeric.rounding import Rounding, letter
from source.numeric.scaled import PowerOfTwoScales

_MOST_ROUNDED_BITS = 24  # of a significand with its sign: no more than float32 has


@dataclasses.dataclass(frozen=True)
class BlockFloatingPoint(PowerOfTwoScales):
    """Numbers n * 2^(e + 2 - width), with e = floor(log2 max |x|) of the block and |n| < 2^(width - 1).

    A block of one number is a floating point number with width - 2 bits of mantissa.

    Attributes:
        width: bits of n with its sign, 2 to 25.
        size: numbers in a block, along the axis given to `round`.
        symmetric: whether n = -2^(width - 1) is left out. With it, a block may have a larger exponent when it is
            rounded again, so that rounding twice is not rounding once.
        rounding: how to round.
    """

    width: int
    size: int
    symmetric: bool = True
    rounding: Rounding = "nearest"

    @property
    def element(self) -> FixedPoint:
        """The integers n."""
        return FixedPoint(self.width, 0, self.symmetric, rounding=self.rounding)

    @property
    def sharing(self) -> int:
        """The size of a block."""
        return self.size

    def _round(self, x: Tensor, axis: int, seed: int | Tensor | None) -> Tensor:
        if self.size == 1:
            axis_from_start(axis, len(x.shape))
            return self._single.round_tensor(x, seed)
        return super()._round(x, axis, seed)

    def _encode(self, x: Tensor, axis: int, seed: int | Tensor | None) -> bytes:
        if self.size == 1:  # rounding may have carried into the exponent
            x = self._single.round_tensor(x, seed)
        return super()._encode(x, axis, seed)

    @property
    def _single(self) -> Minifloat:
        return Minifloat(8, min(self.width, _MOST_ROUNDED_BITS + 1) - 2, rounding=self.rounding)

    def _scale(self, blocks: Tensor, axes: tuple[int, ...]) -> Tensor:
        largest = _bits.largest_magnitude(blocks, axes)
        exponent = _bits.exponent_bits(_bits.finite(largest))
        if not self.symmetric:  # -2^(e + 1) must not overflow
            exponent = ops.minimum(exponent, _bits.power(126))
        return _bits.power_of_two(exponent, 2 - self.width, largest)

    def _check(self) -> None:
        check_group(self.size)
        if not 2 <= self.width <= 25:
            raise ConfigError(f"`width` must be in [2, 25], which float32 holds. Received: width={self.width}.")

    def __str__(self) -> str:
        flags = ("S" if self.symmetric else "_") + letter(self.rounding)
        return f"BFP[{self.width}|8]{{{self.size}}}({flags})"
