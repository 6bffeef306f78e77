"""Dynamic fixed point: fixed point whose binary point is set by the numbers themselves."""

import dataclasses

from keras import ops

from source.config.errors import ConfigError
from source.numeric import _bits
from source.numeric._bits import Tensor
from source.numeric.fixed_point import FixedPoint
from source.numeric.rounding import Rounding, suffix
from source.numeric.scaled import PowerOfTwoScales


@dataclasses.dataclass(frozen=True)
class DynamicFixedPoint(PowerOfTwoScales):
    """Numbers n * 2^(point - width) with -2^(width - 1) <= n < 2^(width - 1) and one point for the tensor.

    The point is the smallest in [-width, width] at which, of the numbers that do not round to zero, at most the
    share `overflow` would need an n out of range. Courbariaux, Bengio, David: Training deep neural networks with low
    precision multiplications, 2015, https://arxiv.org/abs/1412.7024

    Attributes:
        width: bits of n, 2 to 16.
        overflow: in [0, 1].
        rounding: how to round.
    """

    width: int
    overflow: float = 0.0
    rounding: Rounding = "nearest"

    @property
    def element(self) -> FixedPoint:
        """The integers n."""
        return FixedPoint(self.width, 0, symmetric=False, rounding=self.rounding)

    @property
    def sharing(self) -> str:
        """One scale for the tensor."""
        return "tensor"

    def point(self, x: Tensor) -> Tensor:
        """Returns the point for a float32 tensor: an int32 scalar, the bits before the binary point with the sign."""
        point = ops.full((), self.width, "int32")
        for candidate in reversed(range(-self.width, self.width)):
            fits = self._overflowing(x, candidate) <= self.overflow
            point = ops.where(fits, candidate, point)
        return point

    def _overflowing(self, x: Tensor, point: int) -> Tensor:
        """Returns the share of numbers out of range at a point, of those that are not zero there."""
        integers = ops.round(x * 2.0 ** (self.width - point))
        out = ops.logical_or(integers < float(self.element.lowest), integers > float(self.element.highest))
        live = ops.sum(ops.cast(integers != 0.0, "int32"))
        return ops.cast(ops.sum(ops.cast(out, "int32")), "float32") / ops.cast(ops.maximum(live, 1), "float32")

    def _scale(self, blocks: Tensor, axes: tuple[int, ...]) -> Tensor:
        largest = _bits.largest_magnitude(blocks, axes)
        exponent = self.point(blocks) - self.width + 127
        bits = ops.where(largest > _bits.EXPONENT, _bits.NAN, ops.left_shift(exponent, _bits.MANTISSA_BITS))
        return ops.view(bits, "float32")

    def _check(self) -> None:
        if not 2 <= self.width <= 16:
            raise ConfigError(f"`width` must be in [2, 16]. Received: width={self.width}.")
        if not 0.0 <= self.overflow <= 1.0:
            raise ConfigError(f"`overflow` must be in [0, 1]. Received: overflow={self.overflow}.")

    def __str__(self) -> str:
        overflow = f",{self.overflow!r}" if self.overflow else ""
        return f"dynamic<{self.width}{overflow}>" + suffix(self.rounding)
