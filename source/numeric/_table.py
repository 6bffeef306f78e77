"""Formats given by a short list of numbers and the borders between them."""

import abc
import math

import numpy as np
from keras import ops

from source.numeric._bits import SMALLEST_NORMAL, Tensor
from source.numeric.format import ElementFormat
from source.numeric.rounding import to_integers

_FEW = 16  # up to here comparing with every border is faster than a search, and compiles on every backend
_SMALL = 2.0**-100
_NEARLY_ONE = 1.0 - 2.0**-24


class TableFormat(ElementFormat):
    """A format whose codes are the positions in an ascending list; NaN has no code."""

    @property
    @abc.abstractmethod
    def table(self) -> np.ndarray:
        """The numbers in strictly ascending order, float32; code i is number i."""

    @property
    def borders(self) -> np.ndarray:
        """The largest float32 that rounds to number i rather than i + 1, for all but the last i.

        Here: the middles; a number in the middle goes to the neighbour of even position.
        """
        table = self.table.astype(np.float64)
        return below((table[:-1] + table[1:]) / 2, ties_up=np.arange(table.size - 1) % 2 == 1)

    @property
    def bits(self) -> int:
        """Width of a code: as many bits as the positions need."""
        return max(1, math.ceil(math.log2(self.table.size)))

    def values(self) -> np.ndarray:
        """Returns all numbers of the format in ascending order, float32."""
        return self.table

    def round_tensor(self, x: Tensor, seed: int | Tensor | None = None) -> Tensor:
        """Returns the number between whose borders x lies; for other ways to round, one of the two beside x."""
        if self.rounding == "nearest":
            rounded = look_up(x, self.borders, self.table)
        else:
            rounded = self._round_between(x, seed)
        return ops.where(ops.isnan(x), x, rounded)

    def _round_between(self, x: Tensor, seed: int | Tensor | None) -> Tensor:
        table = self.table
        x = ops.clip(x, float(table[0]), float(table[-1]))
        borders = below(table[1:].astype(np.float64), ties_up=True)
        low = look_up(x, borders, table)
        high = look_up(x, borders, np.append(table[1:], table[-1]))
        x = ops.where(ops.abs(x) < SMALLEST_NORMAL, 0.0, x)
        # A quotient that underflows to zero, or rounds up to one, would decide wrongly.
        share = ops.clip((x - low) / ops.where(high > low, high - low, 1.0), _SMALL, _NEARLY_ONE)
        return ops.where(to_integers(ops.where(x > low, share, 0.0), self.rounding, seed) > 0.5, high, low)

    def to_codes(self, values: np.ndarray) -> np.ndarray:
        """Returns the positions of numbers of the table."""
        self._refuse_nan(values)
        return np.searchsorted(self.table, values)

    def from_codes(self, codes: np.ndarray) -> np.ndarray:
        """Returns the numbers at positions; positions beyond the table give its last number."""
        return self.table[np.minimum(codes, self.table.size - 1)]


def below(border: np.ndarray, ties_up: np.ndarray | bool) -> np.ndarray:
    """Returns the largest float32 that is not above a border or, where ties go up, that is below it.

    Subnormal ones are replaced so that all numbers that count as zero lie on one side.
    """
    nearest = border.astype(np.float32)
    above = (nearest > border) | ((nearest == border) & ties_up)
    found = np.where(above, np.nextafter(nearest, np.float32(-np.inf)), nearest)
    subnormal = np.abs(found) < np.float32(SMALLEST_NORMAL)
    return np.where(subnormal, np.where(found < 0.0, np.float32(-SMALLEST_NORMAL), np.float32(0.0)), found)


def look_up(x: Tensor, borders: np.ndarray, outputs: np.ndarray) -> Tensor:
    """Returns for each x the output whose position is the number of borders below x.

    Args:
        x: float32 numbers.
        borders: n ascending numbers.
        outputs: n + 1 numbers.
    """
    if (np.abs(borders) <= SMALLEST_NORMAL).any():
        x = ops.where(ops.abs(x) < SMALLEST_NORMAL, 0.0, x)
    if borders.size > _FEW:
        position = ops.searchsorted(ops.convert_to_tensor(borders), ops.reshape(x, (-1,)))
        return ops.reshape(ops.take(ops.convert_to_tensor(outputs), position), ops.shape(x))
    found = ops.full_like(x, float(outputs[0]))
    for border, output in zip(borders, outputs[1:], strict=True):
        found = ops.where(x > float(border), float(output), found)
    return found
