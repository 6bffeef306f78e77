"""Limits of numbers seen batch by batch: what a format with given limits is told after calibration.

An observer collects with `observe`, and `limits` freezes it: the pair of smallest and largest number to round to. All
work on the host, with float64 sums and exact counts, so that the order of batches matters to the moving average only.
"""

import abc
from collections.abc import Callable

import numpy as np

from source.config.errors import ConfigError, DataError

_BINS = 4096  # on each side of zero


class Observer(abc.ABC):
    """Collects numbers until it is asked for their limits.

    Attributes:
        axis: whose indices have limits each; None for one pair for the tensor.
    """

    def __init__(self, axis: int | None = None) -> None:
        self.axis = axis
        self._frozen = False

    def observe(self, x: np.ndarray) -> None:
        """Takes a batch into account.

        Args:
            x: finite numbers, at least one.

        Raises:
            DataError: for a batch without numbers, with infinity or NaN, and after `limits`.
        """
        if self._frozen:
            raise DataError("Calibration has ended: limits were read. Use a new observer to begin again.")
        numbers = np.asarray(x, np.float64)
        if not numbers.size or not np.isfinite(numbers).all():
            raise DataError(f"Calibration needs finite numbers, at least one. Received: shape={numbers.shape}.")
        self._collect(numbers)

    def limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the smallest and the largest number to round to, and ends the collection.

        Returns:
            Two float32 arrays, scalars, or for an axis of the tensor's rank with size one elsewhere.

        Raises:
            DataError: when nothing was observed.
        """
        self._frozen = True
        low, high = self._limits()
        return np.asarray(low, np.float32), np.asarray(high, np.float32)

    def _ends(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the ends of a batch, of each index of the axis."""
        if self.axis is None:
            return x.min(), x.max()
        others = tuple(axis for axis in range(x.ndim) if axis != self.axis % x.ndim)
        return x.min(axis=others, keepdims=True), x.max(axis=others, keepdims=True)

    @abc.abstractmethod
    def _collect(self, x: np.ndarray) -> None:
        """Takes a batch of finite float64 into account."""

    @abc.abstractmethod
    def _limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the limits of what was collected."""


class MinMax(Observer):
    """The smallest and the largest number of all."""

    def __init__(self, axis: int | None = None) -> None:
        super().__init__(axis)
        self._seen: tuple[np.ndarray, np.ndarray] | None = None

    def _collect(self, x: np.ndarray) -> None:
        low, high = self._ends(x)
        self._seen = (low, high) if self._seen is None else self._join(self._seen, (low, high))

    def _join(
        self, seen: tuple[np.ndarray, np.ndarray], new: tuple[np.ndarray, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        return np.minimum(seen[0], new[0]), np.maximum(seen[1], new[1])

    def _limits(self) -> tuple[np.ndarray, np.ndarray]:
        if self._seen is None:
            raise DataError("Calibration has seen no numbers: call `observe` first.")
        return self._seen


class MovingAverage(MinMax):
    """The ends of each batch, averaged with weights that fall with age: momentum * old + (1 - momentum) * new.

    Attributes:
        momentum: in [0, 1).
    """

    def __init__(self, momentum: float = 0.9, axis: int | None = None) -> None:
        super().__init__(axis)
        if not 0.0 <= momentum < 1.0:
            raise ConfigError(f"`momentum` must be in [0, 1). Received: momentum={momentum}.")
        self.momentum = momentum

    def _join(
        self, seen: tuple[np.ndarray, np.ndarray], new: tuple[np.ndarray, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        low, high = (self.momentum * old + (1.0 - self.momentum) * now for old, now in zip(seen, new, strict=True))
        return low, high


class _Histogram(Observer):
    """Counts numbers in even bins between -2^k and 2^k; when k grows, pairs of bins become one: counts stay exact."""

    def __init__(self) -> None:
        super().__init__(axis=None)
        self._exponent: int | None = None
        self._counts = np.zeros(2 * _BINS, np.int64)

    def _collect(self, x: np.ndarray) -> None:
        needed = int(np.frexp(np.abs(x).max())[1])
        self._exponent = needed if self._exponent is None else self._exponent
        while self._exponent < needed:
            middle = self._counts.reshape(-1, 2).sum(axis=1)
            self._counts = np.pad(middle, _BINS // 2)
            self._exponent += 1
        position = np.floor(np.ldexp(x, -self._exponent) * _BINS).astype(np.int64) + _BINS
        self._counts += np.bincount(np.minimum(position, 2 * _BINS - 1).ravel(), minlength=2 * _BINS)

    def _edges(self) -> np.ndarray:
        """Returns the edges of the bins."""
        if self._exponent is None:
            raise DataError("Calibration has seen no numbers: call `observe` first.")
        return np.ldexp(np.arange(-_BINS, _BINS + 1) / _BINS, self._exponent)


class Percentile(_Histogram):
    """The limits within which a share of all numbers lies, half of the rest below and half above.

    Exact up to the width of a bin, 1 / 4096 of the power of two above the largest number.

    Attributes:
        percent: in (0, 100].
    """

    def __init__(self, percent: float = 99.99) -> None:
        super().__init__()
        if not 0.0 < percent <= 100.0:
            raise ConfigError(f"`percent` must be in (0, 100]. Received: percent={percent}.")
        self.percent = percent

    def _limits(self) -> tuple[np.ndarray, np.ndarray]:
        edges, counts = self._edges(), self._counts
        outside = counts.sum() * (100.0 - self.percent) / 200.0
        first = np.argmax(np.cumsum(counts) > outside)
        last = counts.size - 1 - np.argmax(np.cumsum(counts[::-1]) > outside)
        return edges[first], edges[last + 1]


class LeastError(_Histogram):
    """The limits, a common share of the smallest and the largest number, at which rounding errs least in the square.

    Attributes:
        round_within: rounds numbers with given limits, such as `number_format("int8").round_within`.
        candidates: how many shares are tried, evenly up to one.
    """

    def __init__(self, round_within: Callable[..., np.ndarray], candidates: int = 100) -> None:
        super().__init__()
        if candidates < 1:
            raise ConfigError(f"`candidates` must be positive. Received: candidates={candidates}.")
        self.round_within = round_within
        self.candidates = candidates

    def _limits(self) -> tuple[np.ndarray, np.ndarray]:
        edges = self._edges()
        filled = np.flatnonzero(self._counts)
        counts = self._counts[filled]
        centres = ((edges[filled] + edges[filled + 1]) / 2).astype(np.float32)
        low, high = edges[filled[0]], edges[filled[-1] + 1]

        def error(share: float) -> float:
            rounded = self.round_within(centres, np.float32(low * share), np.float32(high * share))
            return float(np.dot(counts, np.square(rounded.astype(np.float64) - centres)))

        shares = np.arange(1, self.candidates + 1) / self.candidates
        best = min(shares, key=lambda share: (error(share), -share))
        return low * best, high * best
