"""Recentralized numbers: what lies on each side of zero is rounded about its own mean."""

import dataclasses
import functools
import math
from collections.abc import Sequence

import numpy as np
from keras import ops

from source.config.errors import ConfigError
from source.numeric import _bits, packing
from source.numeric._bits import Tensor
from source.numeric._mean import mean_magnitude
from source.numeric.format import ElementFormat, NumberFormat, to_numpy
from source.numeric.rounding import Rounding

_MEANS_BYTES = 8
_MOST_SEARCHED_BITS = 16
_MOST_INNER_BITS = 30
_LARGEST = float(np.finfo(np.float32).max)


@dataclasses.dataclass(frozen=True)
class Recentralized(NumberFormat):
    """Numbers 0, p + q and n + q, with q of the inner format, p the mean of x > 0 and n the mean of x < 0.

    x > 0 becomes p + q(x - p), x < 0 becomes n + q(x - n); zeros, such as pruned weights, stay. Stored are both means
    in float32, the inner format's scales, and for each number its side and the inner code. Zero has a code that the
    inner format leaves unused, or takes one more bit. A tensor with NaN is NaN as a whole.

    Zhao et al.: Focused quantization for sparse CNNs, 2019, https://arxiv.org/abs/1903.03046

    Attributes:
        inner: the format of what is left when the mean is taken away.
    """

    inner: NumberFormat

    @property
    def rounding(self) -> Rounding:  # type: ignore[override]
        """How to round: as the inner format does."""
        return self.inner.rounding

    @property
    def bits(self) -> int:
        """Width of a code: one bit more than the inner format's for the side, and perhaps one for zero."""
        return self.inner.bits + (1 if self._inner_zero is not None else 2)

    def values(self) -> np.ndarray:
        """Returns all numbers at scale 1 and means 1 and -1, in ascending order, float32."""
        inner = self.inner.values()
        return np.unique(np.concatenate([inner - 1.0, [0.0], inner + 1.0]).astype(np.float32))

    def nbytes(self, shape: Sequence[int], axis: int = -1) -> int:
        """Returns the bytes of means, inner scales and codes; nothing for no numbers."""
        if 0 in shape:
            return 0
        count = math.prod(shape)
        scales = self.inner.nbytes(shape, axis) - packing.packed_size(count, self.inner.bits)
        return _MEANS_BYTES + scales + packing.packed_size(count, self.bits)

    def bytes_per_element(self) -> float:
        """Returns the inner format's, and what its codes are shorter by."""
        return self.inner.bytes_per_element() + (self.bits - self.inner.bits) / 8

    def _round(self, x: Tensor, axis: int, seed: int | Tensor | None) -> Tensor:
        means = self._means(x)
        inner = self.inner.round(_centred(x, means), axis, seed)
        return _shifted(inner, x > 0.0, _live(x), means)

    def _means(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the means of the numbers below and above zero, with the rank of x."""
        axes = tuple(range(len(x.shape)))
        live = _live(x)
        negative, positive = (mean_magnitude(x, axes, ops.logical_and(live, side)) for side in (x < 0.0, x > 0.0))
        return -negative, positive

    def _encode(self, x: Tensor, axis: int, seed: int | Tensor | None) -> bytes:
        means = self._means(x)
        centred = _centred(x, means)
        # Means that are NaN say so for the whole tensor.
        data = self.inner.encode(ops.where(ops.isnan(centred), 0.0, centred), axis, seed)
        scales = len(data) - packing.packed_size(math.prod(x.shape), self.inner.bits)
        inner = packing.unpack(data[scales:], self.inner.bits, math.prod(x.shape))
        if self._inner_zero is not None:  # which may be that of minus zero
            inner = np.where(inner == self._inner_zero, 0, inner)
        numbers = to_numpy(x).reshape(-1)
        codes = np.where(to_numpy(_live(x)).reshape(-1) > 0.0, inner | ((numbers > 0.0) << self.inner.bits), self._zero)
        head = np.concatenate([to_numpy(mean).reshape(-1) for mean in means]).astype("<f4").tobytes()
        return head + data[:scales] + packing.pack(codes, self.bits)

    def _decode(self, data: bytes, shape: tuple[int, ...], axis: int) -> np.ndarray:
        count = math.prod(shape)
        start = len(data) - packing.packed_size(count, self.bits)
        codes = packing.unpack(data[start:], self.bits, count)
        live = codes != self._zero
        inner = np.where(live, codes & ((1 << self.inner.bits) - 1), 0)
        packed = data[_MEANS_BYTES:start] + packing.pack(inner, self.inner.bits)
        rounded = self.inner.decode(packed, shape, axis)
        negative, positive = np.frombuffer(data[:_MEANS_BYTES], "<f4")
        above = (live & (codes >> self.inner.bits == 1)).reshape(shape)
        means = (ops.convert_to_tensor(negative), ops.convert_to_tensor(positive))
        above, live = (ops.convert_to_tensor(mask) for mask in (above, live.reshape(shape)))
        return to_numpy(_shifted(ops.convert_to_tensor(rounded), above, live, means))

    @property
    def _zero(self) -> int:
        """The code of zero."""
        return 1 << (self.inner.bits + 1) if self._inner_zero is None else self._inner_zero

    @functools.cached_property
    def _inner_zero(self) -> int | None:
        """The first code of a number that the inner format never makes, or makes of minus zero only."""
        element = getattr(self.inner, "element", self.inner)
        if not isinstance(element, ElementFormat) or element.bits > _MOST_SEARCHED_BITS:
            return None
        unused = np.setdiff1d(np.arange(1 << element.bits), element.to_codes(element.values() + np.float32(0.0)))
        numbers = unused[np.isfinite(element.from_codes(unused))]  # codes of NaN and infinity are in use
        return int(numbers[0]) if numbers.size else None

    def _check(self) -> None:
        if isinstance(self.inner, Recentralized):
            raise ConfigError(f"What is recentralized once has no sides any more. Received: inner=`{self.inner}`.")
        if self.inner.bits > _MOST_INNER_BITS:
            raise ConfigError(
                "Codes have at most 32 bits, two of which are the side and zero. "
                f"Received: inner=`{self.inner}`, of {self.inner.bits} bits."
            )

    def __str__(self) -> str:
        return f"recentralized<{self.inner}>"


def _live(x: Tensor) -> Tensor:
    """Returns whether numbers are not zero; subnormal ones count as zero, NaN does not."""
    return ops.logical_not(ops.abs(x) < _bits.SMALLEST_NORMAL)


def _centred(x: Tensor, means: tuple[Tensor, Tensor]) -> Tensor:
    negative, positive = means
    return ops.where(_live(x), x - ops.where(x > 0.0, positive, negative), 0.0)


def _shifted(inner: Tensor, above: Tensor, live: Tensor, means: tuple[Tensor, Tensor]) -> Tensor:
    """Returns the numbers of the inner format moved to the means, and zero where nothing is live."""
    negative, positive = means
    # Limits keep compilers from joining the product that ends the inner format with this sum.
    moved = ops.clip(inner, -_LARGEST, _LARGEST) + ops.where(above, positive, negative)
    moved = ops.clip(moved, -_LARGEST, _LARGEST)
    kept = ops.logical_and(live, ops.abs(moved) >= _bits.SMALLEST_NORMAL)
    return ops.where(ops.isnan(positive), float("nan"), ops.where(kept, moved, 0.0))
