"""In how many bits the numbers of a weight can be stored without loss, found in the numbers alone."""

import dataclasses
import math
from collections.abc import Iterator

import numpy as np

from source.numeric.grid import channel_grid

_LARGEST_TABLE = 256
_SAMPLE = 4096
_FLOAT_BYTES = 4


@dataclasses.dataclass(frozen=True)
class StoredNumbers:
    """How a weight is stored.

    Attributes:
        bits: of the code of one number.
        bytes: of all: codes, of the kept numbers and a bitmap where that is less, and scales or table.
        how: in words, such as `int8`, `table of 16`, `float32`.
    """

    bits: float
    bytes: int
    how: str


def stored_numbers(values: np.ndarray, axis: int | None = None) -> StoredNumbers:
    """Returns the smallest of four ways: as they are, as integers with scales by channel, as indices of a table.

    Bytes are those before any entropy coding and without the container of a file. Integers have 8 bits at most, tables
    256 numbers.

    Args:
        values: of any shape and type.
        axis: whose indices are channels; None, for what is no kernel, counts the numbers as they are.
    """
    numbers = np.asarray(values)
    width = 8 * numbers.dtype.itemsize
    if axis is None:
        return StoredNumbers(width, numbers.nbytes, str(numbers.dtype))
    ways = [StoredNumbers(width, _packed(numbers, width), str(numbers.dtype))]
    # More different numbers in one channel than a table has are no 8-bit integers either: trained weights end here.
    if numbers.dtype == np.float32 and numbers.size and _different(np.take(numbers, 0, axis)) <= _LARGEST_TABLE:
        ways += [*_integers(numbers, ()), *_integers(numbers, (axis,)), *_table(numbers)]
    return min(ways, key=lambda way: way.bytes)


def _integers(numbers: np.ndarray, axes: tuple[int, ...]) -> Iterator[StoredNumbers]:
    found = channel_grid(numbers, axes, bits=8)
    if found is not None:
        codes, scales = found
        bits = _bits_of(codes)
        yield StoredNumbers(bits, _packed(numbers, bits) + _FLOAT_BYTES * scales.size, f"int{bits}")


def _bits_of(codes: np.ndarray) -> int:
    """Returns the width of the codes: 1 where there are two signs and no zero."""
    largest = int(np.abs(codes).max(initial=0))
    if largest == 1 and np.all(codes):
        return 1
    return 1 + max(1, largest.bit_length())


def _table(numbers: np.ndarray) -> Iterator[StoredNumbers]:
    if _different(numbers.ravel()[:_SAMPLE]) > _LARGEST_TABLE:
        return
    size = _different(numbers)
    if size <= _LARGEST_TABLE:
        bits = max(1, math.ceil(math.log2(size)))
        yield StoredNumbers(bits, _packed(numbers, bits) + _FLOAT_BYTES * size, f"table of {size}")


def _different(numbers: np.ndarray) -> int:
    return int(np.unique(numbers).size)


def _packed(numbers: np.ndarray, bits: int) -> int:
    """Returns the bytes of all codes, or of the kept ones and a bitmap."""
    dense = math.ceil(numbers.size * bits / 8)
    kept = math.ceil(np.count_nonzero(numbers) * bits / 8) + math.ceil(numbers.size / 8)
    return min(dense, kept)
