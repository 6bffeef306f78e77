"""Limits from counts of numbers: percentiles, the least squared error, and the least loss of information."""

import abc
from collections.abc import Callable

import numpy as np

from source.config.errors import ConfigError, DataError
from source.numeric._observer import Observer, nothing_seen

_BINS = 4096  # on each side of zero
_FAR = 16.0  # times the largest number: what becomes of it is the end of what limits leave


class _Counts:
    """Counts numbers in even bins between -2^k and 2^k; when k grows, pairs of bins become one: counts stay exact."""

    def __init__(self) -> None:
        self.exponent: int | None = None
        self.counts = np.zeros(2 * _BINS, np.int64)

    def add(self, x: np.ndarray) -> None:
        """Counts numbers."""
        needed = int(np.frexp(np.abs(x).max())[1])
        self.exponent = needed if self.exponent is None else self.exponent
        while self.exponent < needed:
            self.counts = np.pad(self.counts.reshape(-1, 2).sum(axis=1), _BINS // 2)
            self.exponent += 1
        position = np.floor(np.ldexp(x, -self.exponent) * _BINS).astype(np.int64) + _BINS
        self.counts += np.bincount(np.minimum(position, 2 * _BINS - 1).ravel(), minlength=2 * _BINS)

    def edges(self) -> np.ndarray:
        """Returns the edges of the bins."""
        return np.ldexp(np.arange(-_BINS, _BINS + 1) / _BINS, self.exponent or 0)


class _Histogram(Observer):
    """Counts the numbers of a tensor, or of each of its channels."""

    def __init__(self, axis: int | None) -> None:
        super().__init__(axis)
        self._channels: list[_Counts] = []
        self._shape: tuple[int, ...] = ()

    def _collect(self, x: np.ndarray) -> None:
        rows = x.reshape(1, -1)
        shape: tuple[int, ...] = ()
        if self.axis is not None:
            rows = np.moveaxis(x, self.axis, 0).reshape(x.shape[self.axis], -1)
            shape = tuple(x.shape[axis] if axis == self.axis % x.ndim else 1 for axis in range(x.ndim))
        if not self._channels:
            self._channels, self._shape = [_Counts() for _ in rows], shape
        if shape != self._shape:
            raise DataError(f"Batches must have the same channels. Received: {self._shape}, {shape}.")
        for counts, row in zip(self._channels, rows, strict=True):
            counts.add(row)

    def _limits(self) -> tuple[np.ndarray, np.ndarray]:
        if not self._channels:
            raise nothing_seen()
        pairs = [self._limits_of(each.edges(), each.counts) for each in self._channels]
        low, high = (np.reshape(ends, self._shape) for ends in zip(*pairs, strict=True))
        return low, high

    @abc.abstractmethod
    def _limits_of(self, edges: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
        """Returns the limits of one histogram."""


class Percentile(_Histogram):
    """The limits within which a share of all numbers lies, half of the rest below and half above.

    Exact up to the width of a bin, 1 / 4096 of the power of two above the largest number.

    Attributes:
        percent: in (0, 100].
    """

    def __init__(self, percent: float = 99.99, axis: int | None = None) -> None:
        super().__init__(axis)
        if not 0.0 < percent <= 100.0:
            raise ConfigError(f"`percent` must be in (0, 100]. Received: percent={percent}.")
        self.percent = percent

    def _limits_of(self, edges: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
        outside = counts.sum() * (100.0 - self.percent) / 200.0
        first = np.argmax(np.cumsum(counts) > outside)
        last = counts.size - 1 - np.argmax(np.cumsum(counts[::-1]) > outside)
        return edges[first], edges[last + 1]


class _Search(_Histogram):
    """Tries common shares of the smallest and the largest number as limits."""

    def __init__(self, round_within: Callable[..., np.ndarray], candidates: int, axis: int | None) -> None:
        super().__init__(axis)
        if candidates < 1:
            raise ConfigError(f"`candidates` must be positive. Received: candidates={candidates}.")
        self.round_within = round_within
        self.candidates = candidates

    def _limits_of(self, edges: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
        filled = np.flatnonzero(counts)
        low, high = edges[filled[0]], edges[filled[-1] + 1]
        centres = ((edges[filled] + edges[filled + 1]) / 2).astype(np.float32)
        shares = np.arange(1, self.candidates + 1) / self.candidates
        far = np.float32(_FAR * max(-low, high))
        numbers = np.concatenate([[-far], centres, [far]])[:, np.newaxis].astype(np.float32)
        rounded = np.asarray(
            self.round_within(numbers, np.float32(low * shares), np.float32(high * shares)), np.float64
        )
        costs = self._costs(centres.astype(np.float64), counts[filled], rounded[1:-1], rounded[0], rounded[-1])
        best = shares[costs.size - 1 - np.argmin(costs[::-1])]  # of equal ones the widest
        return low * best, high * best

    @abc.abstractmethod
    def _costs(
        self, centres: np.ndarray, counts: np.ndarray, rounded: np.ndarray, lowest: np.ndarray, highest: np.ndarray
    ) -> np.ndarray:
        """Returns the cost of each candidate.

        Args:
            centres: of the n bins that are not empty, ascending.
            counts: of these bins.
            rounded: the centres rounded within the limits of each candidate, (n, candidates).
            lowest: number that far ones become, of each candidate.
            highest: likewise.
        """


class LeastError(_Search):
    """The limits, a common share of the smallest and the largest number, at which rounding errs least in the square.

    Attributes:
        round_within: rounds numbers (n, 1) with limits (candidates,), such as `number_format("int8").round_within`.
        candidates: how many shares are tried, evenly up to one.
    """

    def __init__(self, round_within: Callable[..., np.ndarray], candidates: int = 100, axis: int | None = None) -> None:
        super().__init__(round_within, candidates, axis)

    def _costs(
        self, centres: np.ndarray, counts: np.ndarray, rounded: np.ndarray, lowest: np.ndarray, highest: np.ndarray
    ) -> np.ndarray:
        return counts @ np.square(rounded - centres[:, np.newaxis])


class LeastDivergence(_Search):
    """The limits, a common share of the smallest and the largest number, at which rounding loses least information.

    That is the divergence of Kullback and Leibler, sum p log(p / q): p are the shares of numbers in the bins that the
    format reaches, those beyond added to the outermost; q has, for each number of the format, the share of what
    rounds to it without those beyond, spread evenly over its bins that are not empty. The bin of zero is left out: ReLU
    fills it, every format has it, and spread over its neighbours it would outweigh all others. Migacz: 8-bit inference
    with TensorRT, 2017,
    https://on-demand.gputechconf.com/gtc/2017/presentation/s7310-8-bit-inference-with-tensorrt.pdf

    Attributes:
        round_within: rounds numbers (n, 1) with limits (candidates,), such as `number_format("int8").round_within`.
        candidates: how many shares are tried, evenly up to one.
    """

    def __init__(self, round_within: Callable[..., np.ndarray], candidates: int = 100, axis: int | None = None) -> None:
        super().__init__(round_within, candidates, axis)

    def _limits_of(self, edges: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
        others = counts.copy()
        others[_BINS] = 0
        return super()._limits_of(edges, others if others.any() else counts)

    def _costs(
        self, centres: np.ndarray, counts: np.ndarray, rounded: np.ndarray, lowest: np.ndarray, highest: np.ndarray
    ) -> np.ndarray:
        inside = (centres[:, np.newaxis] >= lowest) & (centres[:, np.newaxis] <= highest)
        return np.asarray([_divergence(counts, *each) for each in zip(rounded.T, inside.T, strict=True)])


def _divergence(counts: np.ndarray, rounded: np.ndarray, inside: np.ndarray) -> float:
    """Returns the divergence of counts and what rounding leaves of them; infinity when less than a tenth is inside.

    A single bin would diverge from nothing, whatever lies beyond it.
    """
    kept = np.flatnonzero(inside)
    reference = counts[kept].astype(np.float64)
    if not kept.size or 10 * reference.sum() < counts.sum():
        return np.inf
    # Rounding keeps the order, so that the bins of one number lie side by side.
    starts = np.flatnonzero(np.append(True, np.diff(rounded[kept]) != 0.0))
    sizes = np.diff(np.append(starts, kept.size))
    spread = np.repeat(np.add.reduceat(reference, starts) / sizes, sizes)
    reference[0] += counts[: kept[0]].sum()
    reference[-1] += counts[kept[-1] + 1 :].sum()
    p, q = reference / reference.sum(), spread / spread.sum()
    return float(np.sum(p * np.log(p / q)))
