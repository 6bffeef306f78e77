"""Operations that multiply codes with weights: convolutions and dense layers."""

import abc
import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from source.exporter.integer._operation import Requantized, centred
from source.exporter.integer._windows import Margins, Pair, windows, with_margins
from source.exporter.integer.requantization import Rounding
from source.exporter.integer.tensor import Codes

_WEIGHTS = ("int8", "int16")
_MOST_HEADROOM = 24


@dataclasses.dataclass(frozen=True, eq=False)
class Product(Requantized):
    """accumulator = (sum of weight * (code - zero point)) * 2^headroom + bias, for each output channel.

    Attributes:
        weights: integers, the last axis or axes that of the output channels.
        bias: int32, one a channel, in steps of the accumulator.
        headroom: int32, one a channel: bits by which the sum is shifted left before the bias is added, so that a bias
            is held more finely than sums of few bits are; 0 for 8 bits.
    """

    weights: np.ndarray
    bias: np.ndarray
    headroom: np.ndarray

    @property
    @abc.abstractmethod
    def columns(self) -> np.ndarray:
        """The weights as a matrix, (numbers of a sum, output channels)."""

    @abc.abstractmethod
    def sums(self, x: np.ndarray) -> np.ndarray:
        """Returns the sums of products (b, ..., channels), int64.

        Args:
            x: codes less their zero point (b, ...), int32.
        """

    def run(
        self, given: Sequence[np.ndarray], sources: Sequence[Codes], target: Codes, rounding: Rounding
    ) -> np.ndarray:
        """Returns the codes of sums of products."""
        accumulator = (self.sums(centred(given[0], sources[0])) << self.headroom) + self.bias
        return self.finished(accumulator, target, rounding)

    def largest(self, sources: Sequence[Codes]) -> int:
        """Returns the largest magnitude over all inputs and all orders of addition."""
        bias = self.bias.astype(np.int64)
        sums = np.stack([end << self.headroom for end in self.ends(sources[0])])
        return int(max(np.abs(sums).max(), np.abs(sums + bias).max(), np.abs(bias).max()))

    def ends(self, source: Codes) -> tuple[np.ndarray, np.ndarray]:
        """Returns the smallest and the largest sum of each channel, int64.

        Args:
            source: what is known of the input.
        """
        columns = self.columns.astype(np.int64)
        products = np.stack([columns * end for end in source.centred])
        # Zero is among the codes, so that no sum of some of the products lies beyond.
        return products.min(axis=0).sum(axis=0), products.max(axis=0).sum(axis=0)

    def check(self, sources: Sequence[Codes], target: Codes) -> None:
        """Refuses weights, biases and headroom that cannot be."""
        super().check(sources, target)
        self.expect(self.weights.dtype.name in _WEIGHTS and bool(self.weights.size), "weights of int8 or int16")
        channels = self.columns.shape[-1]
        self.expect(self.bias.dtype == np.int32 and self.bias.shape == (channels,), "an int32 bias for each channel")
        self.expect(self.multiplier.shape in ((1,), (channels,)), "a multiplier for each channel")
        headroom = self.headroom
        self.expect(headroom.dtype == np.int32 and headroom.shape == (channels,), "an int32 headroom for each channel")
        self.expect(bool(((headroom >= 0) & (headroom <= _MOST_HEADROOM)).all()), f"0 to {_MOST_HEADROOM} bits of it")


@dataclasses.dataclass(frozen=True, eq=False)
class Dense(Product):
    """A matrix product along the last axis; weights (in, out)."""

    @property
    def columns(self) -> np.ndarray:
        """The weights."""
        return self.weights

    def sums(self, x: np.ndarray) -> np.ndarray:
        """Returns x @ weights."""
        return _product(_exact_floats(x, self.weights), self.weights)

    def check(self, sources: Sequence[Codes], target: Codes) -> None:
        """Refuses weights of other lengths."""
        self.expect(self.weights.ndim == 2, "weights of two axes")
        self.expect(self.weights.shape[0] == sources[0].shape[-1], "as many weights as codes")
        super().check(sources, target)


@dataclasses.dataclass(frozen=True, eq=False)
class _Windowed(Product):
    """A product over windows of maps (b, h, w, c)."""

    strides: Pair
    dilation: Pair
    margins: Margins

    def patches(self, x: np.ndarray) -> np.ndarray:
        """Returns the windows, (b, rows, columns, window rows, window columns, c).

        Args:
            x: codes less their zero point (b, h, w, c).
        """
        rows, columns = self.weights.shape[:2]
        return windows(with_margins(x, self.margins), (rows, columns), self.strides, self.dilation)

    def check(self, sources: Sequence[Codes], target: Codes) -> None:
        """Refuses windows that cannot be."""
        self.expect(self.weights.ndim == 4 and len(sources[0].shape) == 3, "maps, and weights of four axes")
        self.expect(min(*self.strides, *self.dilation) > 0 <= min(self.margins), "positive strides and dilation")
        self.expect(max(self.margins) < 1 << 12, "margins below 4096")
        super().check(sources, target)


@dataclasses.dataclass(frozen=True, eq=False)
class Convolution(_Windowed):
    """A convolution; weights (rows, columns, in / groups, out).

    Attributes:
        groups: input and output channels are split into as many parts, each for itself.
    """

    groups: int

    @property
    def columns(self) -> np.ndarray:
        """The weights, (window and channels, out)."""
        return self.weights.reshape(-1, self.weights.shape[-1])

    def sums(self, x: np.ndarray) -> np.ndarray:
        """Returns the convolution."""
        channels = x.shape[-1] // self.groups
        floats = _exact_floats(x, self.columns)
        found = []
        for index, columns in enumerate(np.split(self.columns, self.groups, axis=1)):
            seen = self.patches(floats[..., index * channels : (index + 1) * channels])
            found.append(_product(seen.reshape(*seen.shape[:3], columns.shape[0]), columns))
        return np.concatenate(found, axis=-1)

    def check(self, sources: Sequence[Codes], target: Codes) -> None:
        """Refuses groups that do not divide the channels."""
        self.expect(self.groups > 0 and self.weights.shape[-1] % self.groups == 0, "groups that divide the channels")
        super().check(sources, target)
        self.expect(self.weights.shape[2] * self.groups == sources[0].shape[-1], "as many weights as channels")


@dataclasses.dataclass(frozen=True, eq=False)
class DepthwiseConvolution(_Windowed):
    """A convolution of each channel for itself; weights (rows, columns, in, outputs of a channel)."""

    @property
    def columns(self) -> np.ndarray:
        """The weights, (window, out)."""
        rows, columns, channels, outputs = self.weights.shape
        return self.weights.reshape(rows * columns, channels * outputs)

    def sums(self, x: np.ndarray) -> np.ndarray:
        """Returns the convolution of each channel."""
        seen = self.patches(x)
        total = np.zeros((*seen.shape[:3], *self.weights.shape[2:]), np.int64)
        for row in range(self.weights.shape[0]):
            for column in range(self.weights.shape[1]):
                total += seen[:, :, :, row, column, :, np.newaxis] * self.weights[row, column].astype(np.int32)
        return total.reshape(*seen.shape[:3], self.columns.shape[1])

    def check(self, sources: Sequence[Codes], target: Codes) -> None:
        """Refuses weights of other lengths."""
        super().check(sources, target)
        self.expect(self.weights.shape[2] == sources[0].shape[-1], "as many weights as channels")


def _exact_floats(x: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Returns integers as the floats whose products with columns of weights are exact.

    NumPy multiplies matrices of integers 20 times slower than those of floats, which are exact as long as no sum of
    magnitudes exceeds 2^24 (float32) or 2^53 (float64).

    Args:
        x: integers.
        columns: weights (numbers of a sum, channels).
    """
    largest = max(abs(int(x.max(initial=0))), abs(int(x.min(initial=0))))
    magnitudes = int(np.abs(columns.astype(np.int64)).sum(axis=0).max()) * largest
    return x.astype(np.float32 if magnitudes <= 1 << 24 else np.float64)


def _product(x: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Returns x @ columns, int64, for integers held as floats."""
    rows = np.ascontiguousarray(x).reshape(math.prod(x.shape[:-1]), columns.shape[0])
    return (rows @ columns.astype(x.dtype)).astype(np.int64).reshape(*x.shape[:-1], columns.shape[1])
