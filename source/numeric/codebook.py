"""Codebooks: any list of numbers; NF4; and k-means, which finds a list for given numbers."""

import dataclasses
import functools
from typing import Literal

import numpy as np

from source.config.errors import ConfigError, DataError
from source.numeric import _bits
from source.numeric._bits import SMALLEST_NORMAL, Tensor
from source.numeric._groups import check_group
from source.numeric._table import TableFormat
from source.numeric.rounding import Rounding, suffix
from source.numeric.scaled import FloatScales

Start = Literal["linear", "density", "random"]

_MOST_NUMBERS = 1 << 12
_LOWEST_SCALE = -121  # keeps 0.08 times the scale above subnormal numbers

# Dettmers et al.: QLoRA, 2023, https://arxiv.org/abs/2305.14314, appendix E.
_NORMAL_FLOAT = (
    -1.0,
    -0.6961928009986877,
    -0.5250730514526367,
    -0.39491748809814453,
    -0.28444138169288635,
    -0.18477343022823334,
    -0.09105003625154495,
    0.0,
    0.07958029955625534,
    0.16093020141124725,
    0.24611230194568634,
    0.33791524171829224,
    0.44070982933044434,
    0.5626170039176941,
    0.7229568362236023,
    1.0,
)


@dataclasses.dataclass(frozen=True)
class Codebook(TableFormat):
    """The numbers of a list. A number in the middle of two goes to the one of even position.

    Attributes:
        numbers: 2 to 4096, ascending, kept as float32.
        rounding: how to round.
    """

    numbers: tuple[float, ...]
    rounding: Rounding = "nearest"

    @functools.cached_property
    def table(self) -> np.ndarray:
        """The numbers."""
        return np.asarray(self.numbers, np.float32)

    def _check(self) -> None:
        table = np.asarray(self.numbers, np.float32)
        if not (1 < table.size <= _MOST_NUMBERS and np.isfinite(table).all() and (np.diff(table) > 0).all()):
            raise ConfigError(
                f"A codebook holds 2 to 4096 different finite numbers in ascending order. Received: {self.numbers}."
            )
        if ((table != 0.0) & (np.abs(table) < SMALLEST_NORMAL)).any():
            raise ConfigError(f"A codebook holds no numbers below 2^-126 but zero. Received: {self.numbers}.")
        object.__setattr__(self, "numbers", tuple(float(number) for number in table))

    def __str__(self) -> str:
        return f"codebook<{','.join(str(number) for number in self.table)}>" + suffix(self.rounding)


@dataclasses.dataclass(frozen=True)
class NormalFloat4(FloatScales):
    """NF4: sixteen quantiles of the normal distribution between -1 and 1, times max |x| of the block.

    Attributes:
        size: numbers in a block.
        rounding: how to round.
    """

    size: int = 64
    rounding: Rounding = "nearest"

    @property
    def element(self) -> Codebook:
        """The quantiles."""
        return Codebook(_NORMAL_FLOAT, self.rounding)

    @property
    def sharing(self) -> int:
        """The size of a block."""
        return self.size

    def _scale(self, blocks: Tensor, axes: tuple[int, ...]) -> Tensor:
        largest = _bits.finite(_bits.largest_magnitude(blocks, axes))
        return _bits.bounded_scale(largest, _LOWEST_SCALE)

    def _check(self) -> None:
        check_group(self.size)

    def __str__(self) -> str:
        return f"nf4{{{self.size}}}" + suffix(self.rounding)


def k_means(x: np.ndarray, count: int, iterations: int = 50, start: Start = "linear", seed: int = 0) -> Codebook:
    """Returns a codebook of the centres of at most `count` clusters of numbers, by Lloyd's algorithm on the host.

    Starts by default from centres evenly between the ends, as Deep Compression (Han, Mao, Dally 2016,
    https://arxiv.org/abs/1510.00149) recommends. Clusters that lose all their numbers vanish.

    Args:
        x: finite numbers, not all equal.
        count: at least 2.
        iterations: at most; it stops when nothing moves.
        start: "linear", centres evenly between the ends; "density", evenly among the numbers in their order; "random",
            numbers that are drawn.
        seed: of "random".

    Raises:
        ConfigError: for too few clusters.
        DataError: for fewer than two different numbers, and for infinity and NaN.
    """
    if count < 2:
        raise ConfigError(f"`count` must be at least 2. Received: count={count}.")
    numbers = np.sort(np.asarray(x, np.float64).reshape(-1))
    if not np.isfinite(numbers).all() or not numbers.size or numbers[0] == numbers[-1]:
        raise DataError("k-means needs finite numbers, at least two different ones.")
    sums = np.concatenate([[0.0], np.cumsum(numbers)])
    centres = _first_centres(numbers, count, start, seed)
    for _ in range(iterations):
        ends = np.searchsorted(numbers, (centres[:-1] + centres[1:]) / 2)
        starts, ends = np.append(0, ends), np.append(ends, numbers.size)
        filled = ends > starts
        moved = (sums[ends] - sums[starts])[filled] / (ends - starts)[filled]
        if np.array_equal(moved, centres):
            break
        centres = moved
    return Codebook(tuple(np.unique(centres.astype(np.float32))))


def _first_centres(numbers: np.ndarray, count: int, start: Start, seed: int) -> np.ndarray:
    """Returns where k-means starts: ascending."""
    if start == "density":
        centres = np.unique(np.quantile(numbers, (np.arange(count) + 0.5) / count))
        return centres if centres.size > 1 else numbers[[0, -1]]
    if start == "random":
        different = np.unique(numbers)
        chosen = np.random.default_rng(seed).choice(different.size, min(count, different.size), replace=False)
        return different[np.sort(chosen)]
    return np.linspace(numbers[0], numbers[-1], count)
