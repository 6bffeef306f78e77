"""Focused quantization: powers of two about the means of two normal distributions, where there are two."""

import dataclasses
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from keras import ops

from source.config.errors import ConfigError
from source.numeric import _bits, _mixture, packing
from source.numeric._bits import Tensor
from source.numeric.format import NumberFormat, to_numpy
from source.numeric.power_of_two import PowerOfTwo
from source.numeric.rounding import Rounding, scale, suffix

_HALF_MANTISSA = 0x400000
_HEAD_BYTES = 17  # whether it is split, two means and two steps
_LARGEST = float(np.finfo(np.float32).max)


class Focus(NamedTuple):
    """What `Focused.fit` finds; a compressor may keep it over many steps.

    Attributes:
        split: a truth value, whether numbers are rounded about two means. If not, means are zero.
        means: float32 (2,), of the negative and the positive component.
        steps: float32 (2,), what the powers of two are multiplied with.
        scale: float32 (1,), a power of two; bins reach to its double.
        positive_bins: bool (1024,), which bins belong to the positive component.
    """

    split: Tensor
    means: Tensor
    steps: Tensor
    scale: Tensor
    positive_bins: Tensor


@dataclasses.dataclass(frozen=True)
class Focused(NumberFormat):
    """Numbers 0 and m + s * q, with q zero or a power of two, and a mean m and a deviation s of two components.

    Two normal distributions are fitted to the numbers that are not zero, by twenty rounds of expectation and
    maximization from the negative and the positive numbers on. Each number goes to the more probable one. When their
    squared Wasserstein distance ((m+ - m-)^2 + (s+ - s-)^2) is at least twice the variance of these numbers, q has
    width - 1 bits and one bit tells the component; zeros, such as pruned weights, stay. Otherwise m = 0, s = 1 and q
    has all bits. The largest power is the smallest beyond which at most 1 / (2^width + 1) of the numbers round.

    Zhao et al.: Focused quantization for sparse CNNs, 2019, https://arxiv.org/abs/1903.03046, which draws components
    with their probability. A tensor with NaN is NaN as a whole.

    Attributes:
        width: bits of a number, 3 to 7.
        rounding: how to round q.
    """

    width: int
    rounding: Rounding = "nearest"

    @property
    def bits(self) -> int:
        """Width of a code."""
        return self.width

    def values(self) -> np.ndarray:
        """Returns all numbers with means 1 and -1 and steps of one, in ascending order, float32."""
        powers = self._powers(self.width - 1).values()
        return np.unique(np.concatenate([powers - 1.0, [0.0], powers + 1.0]).astype(np.float32))

    def nbytes(self, shape: Sequence[int], axis: int = -1) -> int:
        """Returns the bytes of means, steps and codes; nothing for no numbers."""
        return 0 if 0 in shape else _HEAD_BYTES + packing.packed_size(math.prod(shape), self.bits)

    def bytes_per_element(self) -> float:
        """Returns bits / 8."""
        return self.bits / 8

    def fit(self, x: Tensor) -> Focus:
        """Returns the means, steps and components of a float32 tensor."""
        live = _live(x)
        mixture = _mixture.fit(x, live)
        means = ops.where(mixture.separated, mixture.means, 0.0)
        means = ops.where(ops.abs(means) < _bits.SMALLEST_NORMAL, 0.0, means)
        deviations = _bits.bounded_scale(ops.where(mixture.separated, mixture.deviations, 1.0), _bits.LOWEST_STEP)
        found = Focus(
            mixture.separated, means, deviations, ops.reshape(_mixture.bin_scale(x), (1,)), mixture.positive_bins
        )
        steps = _bits.bounded_scale(deviations * self._largest_power(x, live, found), self._lowest_step)
        largest = _bits.largest_magnitude(x, tuple(range(len(x.shape))))
        return found._replace(steps=ops.where(ops.reshape(largest, (1,)) > _bits.EXPONENT, float("nan"), steps))

    def round_fitted(self, x: Tensor, focus: Focus, seed: int | Tensor | None = None) -> Tensor:
        """Returns a float32 tensor rounded with means, steps and components of `fit`.

        Args:
            x: float32 tensor.
            focus: what `fit` found, of this tensor or of an earlier one.
            seed: of stochastic rounding.
        """
        above = _above(x, focus)
        return _moved(self._levels(x, above, focus, seed), above, ops.logical_or(_live(x), ~focus.split), focus)

    def _round(self, x: Tensor, axis: int, seed: int | Tensor | None) -> Tensor:
        return self.round_fitted(x, self.fit(x), seed)

    def _levels(self, x: Tensor, above: Tensor, focus: Focus, seed: int | Tensor | None) -> Tensor:
        """Returns zero or powers of two up to one, of the fewer bits when there are two components."""
        scaled = scale(x - _choice(above, focus.means), _bits.reciprocal(_choice(above, focus.steps)), self.rounding)
        few, many = (self._powers(width).round_tensor(scaled, seed) for width in (self.width - 1, self.width))
        return ops.where(focus.split, few, many)

    def _largest_power(self, x: Tensor, live: Tensor, focus: Focus) -> Tensor:
        """Returns the smallest power of two beyond which few enough numbers round."""
        above = _above(x, focus)
        scaled = (x - _choice(above, focus.means)) * _bits.reciprocal(_choice(above, focus.steps))
        magnitude = ops.minimum(ops.bitwise_and(ops.view(scaled, "int32"), _bits.MAGNITUDE), _bits.LARGEST)
        exponents = ops.right_shift(magnitude + _HALF_MANTISSA, _bits.MANTISSA_BITS)
        counts = _mixture.count(exponents, live, 256)
        number = ops.sum(counts)
        beyond = number - ops.cumsum(counts)
        allowed = ops.floor_divide(number, (1 << self.width) + 1)
        largest = ops.sum(ops.cast(beyond > allowed, "int32"))
        kept = ops.minimum(ops.maximum(largest, 127 + _bits.LOWEST_STEP), 127 + _bits.HIGHEST_STEP)
        return ops.view(ops.left_shift(kept, _bits.MANTISSA_BITS), "float32")

    def _encode(self, x: Tensor, axis: int, seed: int | Tensor | None) -> bytes:
        focus = self.fit(x)
        above = _above(x, focus)
        levels = to_numpy(self._levels(x, above, focus, seed)).reshape(-1)
        levels = np.where(np.isnan(levels), np.float32(0.0), levels)  # steps that are NaN say so for all
        if split := bool(focus.split):
            codes = self._powers(self.width - 1).to_codes(levels)
            codes = np.where(to_numpy(_live(x)).reshape(-1) > 0.0, codes, self._zero)
            codes |= (to_numpy(above).reshape(-1) > 0.0).astype(np.int64) << (self.width - 1)
        else:
            codes = self._powers(self.width).to_codes(levels)
        head = np.concatenate([to_numpy(focus.means), to_numpy(focus.steps)]).astype("<f4").tobytes()
        return bytes([split]) + head + packing.pack(codes, self.bits)

    def _decode(self, data: bytes, shape: tuple[int, ...], axis: int) -> np.ndarray:
        codes = packing.unpack(data[_HEAD_BYTES:], self.bits, math.prod(shape)).reshape(shape)
        above, live = np.zeros(shape, np.bool_), np.ones(shape, np.bool_)
        width = self.width
        if data[0]:
            above, codes = codes >> (width - 1) == 1, codes & ((1 << (width - 1)) - 1)
            live, width = codes != self._zero, width - 1
        means, steps = np.frombuffer(data[1:_HEAD_BYTES], "<f4").reshape(2, 2)
        levels = self._powers(width).from_codes(codes)
        focus = Focus(*(ops.convert_to_tensor(each) for each in (bool(data[0]), means, steps, steps, live)))
        levels, above, live = (ops.convert_to_tensor(each) for each in (levels, above, live))
        return to_numpy(_moved(levels, above, live, focus))

    @property
    def _zero(self) -> int:
        """The code of a number that was zero: that of minus zero, without the bit of the component."""
        return 1 << (self.width - 2)

    @property
    def _lowest_step(self) -> int:
        return _bits.LOWEST_STEP - self._powers(self.width).lowest

    def _powers(self, width: int) -> PowerOfTwo:
        return PowerOfTwo((1 << (width - 1)) - 1, 0, self.rounding)

    def _check(self) -> None:
        if not 3 <= self.width <= 7:
            raise ConfigError(f"`width` must be in [3, 7]. Received: width={self.width}.")

    def __str__(self) -> str:
        return f"focused<{self.width}>" + suffix(self.rounding)


def _live(x: Tensor) -> Tensor:
    """Returns whether numbers are not zero; subnormal ones count as zero, NaN does not."""
    return ops.logical_not(ops.abs(x) < _bits.SMALLEST_NORMAL)


def _above(x: Tensor, focus: Focus) -> Tensor:
    """Returns whether numbers belong to the positive component."""
    scale = ops.reshape(focus.scale, (1,) * len(x.shape))
    return ops.take(focus.positive_bins, _mixture.bins_of(x, scale))


def _choice(above: Tensor, pair: Tensor) -> Tensor:
    return ops.where(above, pair[1], pair[0])


def _moved(levels: Tensor, above: Tensor, live: Tensor, focus: Focus) -> Tensor:
    """Returns steps times powers of two, which is exact, moved to the means; zero where nothing is live."""
    moved = ops.clip(levels * _choice(above, focus.steps) + _choice(above, focus.means), -_LARGEST, _LARGEST)
    kept = ops.logical_and(live, ops.abs(moved) >= _bits.SMALLEST_NORMAL)
    return ops.where(ops.isnan(focus.steps[0]), float("nan"), ops.where(kept, moved, 0.0))
