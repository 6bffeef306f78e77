"""Integers of 2 to 16 bits with a float32 scale: symmetric (`int8`), or affine with a zero point (`uint8`)."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from source.config.errors import ConfigError
from source.numeric import _bits, _groups, packing
from source.numeric._bits import Tensor
from source.numeric._groups import Group, check_group, group_text
from source.numeric.fixed_point import FixedPoint
from source.numeric.format import NumberFormat, as_float32, as_given, to_numpy
from source.numeric.rounding import Rounding, check_seed, scale, suffix, to_integers
from source.numeric.scaled import FloatScales

_BOUNDS = (-(2.0**126), 2.0**126)  # of affine numbers: the difference of the ends must not overflow


@dataclasses.dataclass(frozen=True)
class SymmetricInteger(FloatScales):
    """Numbers n * s with |n| <= 2^(width - 1) - 1 and s = max |x| / (2^(width - 1) - 1).

    n = round(x * (1 / s)): compilers turn a division by a constant scale into this product.

    Attributes:
        width: bits of n, 2 to 16.
        group: what shares a scale: "tensor", "channel" (the indices of the axis given to `round`), or the size of
            blocks along that axis.
        rounding: how to round.
    """

    width: int
    group: Group = "tensor"
    rounding: Rounding = "nearest"

    @property
    def element(self) -> FixedPoint:
        """The integers n."""
        return FixedPoint(self.width, rounding=self.rounding)

    @property
    def sharing(self) -> Group:
        """What shares a scale."""
        return self.group

    def round_within(self, x: Any, low: Any, high: Any, seed: int | Tensor | None = None) -> Any:
        """Returns x rounded with the scale of given limits, s = max(-low, high) / (2^(width - 1) - 1).

        Args:
            x: as for `round`.
            low: float32 that broadcasts with x, such as what calibration found.
            high: likewise.
            seed: as for `round`.

        Returns:
            float32 of the shape of x.
        """
        check_seed(self.rounding, seed)
        numbers = as_float32(x)
        step = self._step(ops.maximum(-as_float32(low), as_float32(high)))
        return as_given(self._levels(numbers, (), step, seed) * step, x)

    def _scale(self, blocks: Tensor, axes: tuple[int, ...]) -> Tensor:
        return self._step(_bits.finite(_bits.largest_magnitude(blocks, axes)))

    def _step(self, largest: Tensor) -> Tensor:
        step = _bits.bounded_scale(_bits.divide(largest, float(self.element.highest)), _bits.LOWEST_STEP)
        return ops.minimum(step, _largest_step(self.element.highest))

    def _check(self) -> None:
        _check_width(self.width)
        check_group(self.group)

    def __str__(self) -> str:
        return f"int{self.width}{group_text(self.group)}" + suffix(self.rounding)


@dataclasses.dataclass(frozen=True)
class AffineInteger(NumberFormat):
    """Numbers (n - z) * s with n and z in [0, 2^width - 1]; zero is among them.

    s = (max(x, 0) - min(x, 0)) / (2^width - 1), z = round(-min(x, 0) / s), n = round(x * (1 / s)) + z.

    Attributes:
        width: bits of n, 2 to 16.
        group: as in `SymmetricInteger`.
        rounding: how to round x * (1 / s).
    """

    width: int
    group: Group = "tensor"
    rounding: Rounding = "nearest"

    @property
    def bits(self) -> int:
        """Width of a code."""
        return self.width

    @property
    def sharing(self) -> Group:
        """What shares a scale and a zero point."""
        return self.group

    def values(self) -> np.ndarray:
        """Returns 0 to 2^width - 1: the numbers at scale 1 and zero point 0."""
        return np.arange(self._highest + 1, dtype=np.float32)

    def nbytes(self, shape: Sequence[int], axis: int = -1) -> int:
        """Returns the bytes of scales, zero points (1 byte, above 8 bits 2) and codes; nothing for no numbers."""
        if 0 in shape:
            return 0
        groups = _groups.count(tuple(shape), axis, self.group)
        return groups * (4 + self._zero_bytes) + packing.packed_size(math.prod(shape), self.bits)

    def bytes_per_element(self) -> float:
        """Returns the bytes of a number and its part of a block's scale and zero point."""
        shared = (4 + self._zero_bytes) / self.group if isinstance(self.group, int) else 0.0
        return self.bits / 8 + shared

    def round_within(self, x: Any, low: Any, high: Any, seed: int | Tensor | None = None) -> Any:
        """Returns x rounded with the scale and zero point of given limits in the place of the smallest and largest x.

        Args:
            x: as for `round`.
            low: float32 that broadcasts with x, such as what calibration found.
            high: likewise.
            seed: as for `round`.

        Returns:
            float32 of the shape of x.
        """
        check_seed(self.rounding, seed)
        step, zero = self._fit_limits(as_float32(low), as_float32(high))
        return as_given((self._levels(as_float32(x), step, zero, seed) - zero) * step, x)

    def _round(self, x: Tensor, axis: int, seed: int | Tensor | None) -> Tensor:
        blocks, axes, merge = _groups.split(x, axis, self.group)
        step, zero = self._fit(blocks, axes)
        return merge((self._levels(blocks, step, zero, seed) - zero) * step)

    def _fit(self, blocks: Tensor, axes: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        """Returns scale and zero point of each group; NaN scales for groups with NaN."""
        nan = _bits.largest_magnitude(blocks, axes) > _bits.EXPONENT
        bounded = ops.clip(ops.where(ops.isnan(blocks), 0.0, blocks), *_BOUNDS)
        low, high = (reduce(bounded, axis=axes, keepdims=True) for reduce in (ops.min, ops.max))
        step, zero = self._fit_limits(low, high)
        return ops.where(nan, float("nan"), step), zero

    def _fit_limits(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        low, high = ops.minimum(low, 0.0), ops.maximum(high, 0.0)
        step = _bits.bounded_scale(_bits.divide(high - low, float(self._highest)), _bits.LOWEST_STEP)
        return step, ops.clip(ops.round(-low / step), 0.0, float(self._highest))

    def _levels(self, blocks: Tensor, step: Tensor, zero: Tensor, seed: int | Tensor | None) -> Tensor:
        integers = to_integers(scale(blocks, _bits.reciprocal(step), self.rounding), self.rounding, seed)
        return ops.clip(integers + zero, 0.0, float(self._highest))

    def _encode(self, x: Tensor, axis: int, seed: int | Tensor | None) -> bytes:
        blocks, axes, merge = _groups.split(x, axis, self.group)
        step, zero = self._fit(blocks, axes)
        levels = np.nan_to_num(to_numpy(merge(self._levels(blocks, step, zero, seed))))
        zeros = packing.pack(to_numpy(zero).astype(np.int64), 8 * self._zero_bytes)
        steps = to_numpy(step).reshape(-1).astype("<f4").tobytes()
        return steps + zeros + packing.pack(levels.astype(np.int64), self.bits)

    def _decode(self, data: bytes, shape: tuple[int, ...], axis: int) -> np.ndarray:
        groups = _groups.count(shape, axis, self.group)
        codes = groups * (4 + self._zero_bytes)
        levels = packing.unpack(data[codes:], self.bits, math.prod(shape)).astype(np.float32).reshape(shape)
        blocks, axes, merge = _groups.split(ops.convert_to_tensor(levels), axis, self.group)
        kept = _groups.scale_shape(blocks, axes)
        step = np.frombuffer(data[: 4 * groups], "<f4").reshape(kept)
        zero = packing.unpack(data[4 * groups : codes], 8 * self._zero_bytes, groups).astype(np.float32).reshape(kept)
        return to_numpy(merge((blocks - zero) * step))

    @property
    def _highest(self) -> int:
        return (1 << self.width) - 1

    @property
    def _zero_bytes(self) -> int:
        return 1 if self.width <= 8 else 2

    def _check(self) -> None:
        _check_width(self.width)
        check_group(self.group)

    def __str__(self) -> str:
        return f"uint{self.width}{group_text(self.group)}" + suffix(self.rounding)


def _largest_step(highest: int) -> float:
    """Returns the largest float32 whose product with an integer is finite: rounded, FLT_MAX / 127 * 127 is infinite."""
    step = np.float32(_bits.LARGEST_NUMBER / highest)
    with np.errstate(over="ignore"):
        while np.isinf(step * np.float32(highest)):
            step = np.nextafter(step, np.float32(0.0))
    return float(step)


def _check_width(width: int) -> None:
    if not 2 <= width <= 16:
        raise ConfigError(f"`width` of integers must be in [2, 16]. Received: width={width}.")
