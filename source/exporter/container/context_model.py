"""Integers as bits in contexts: the size of a number is guessed from its channel and its row so far.

A number v is written as: is it 0; its sign; the bits of |v|: their count in unary, then those behind the leading one.
The context of the first and of the count is how large numbers were so far in the same column (output channel) and in
the same row (input channel), in half octaves of the mean of all. This is the binarization of DeepCABAC (Wiedemann et
al., 2019, https://arxiv.org/abs/1907.11900) with contexts of our own.
"""

from collections import defaultdict

import numpy as np

from source.exporter.container.binary_coder import Coder, Context, Decoder, Encoder

MOST_BITS = 32
_LEVELS = 255
_MODELLED = 3  # bits behind the leading one that depend on those before them
# Half octaves of k / 16: 0 where a number is a sixteenth of the mean, 8 where it is the mean, 15 from eleven times on.
_BUCKET = [0] + [min(15, 2 * (k.bit_length() - 1) + (k * k >= 2 << 2 * (k.bit_length() - 1))) for k in range(1, 256)]


def encode(numbers: np.ndarray, columns: int, rows: int) -> bytes:
    """Returns the numbers as bytes.

    Args:
        numbers: below 2^32 in magnitude, in the order of writing.
        columns: number i is in column i mod columns.
        rows: and in row i // columns mod rows.
    """
    coder = Encoder()
    _code(coder, [int(each) for each in numbers], len(numbers), columns, rows)
    return coder.finish()


def decode(data: bytes, count: int, columns: int, rows: int) -> np.ndarray:
    """Returns the numbers as int64; any bytes give some numbers, in a time that depends on `count` alone.

    Args:
        data: what `encode` returned.
        count: of numbers.
        columns: as in `encode`.
        rows: as in `encode`.
    """
    return np.array(_code(Decoder(data), None, count, columns, rows), np.int64)


def _code(coder: Coder, numbers: list[int] | None, count: int, columns: int, rows: int) -> list[int]:
    """Writes the numbers, or reads as many; returns them."""
    values, found = _Values(coder), []
    columns, rows = max(1, columns), max(1, rows)
    in_column, in_row = [0] * columns, [0] * rows
    seen_row = [0] * rows
    total, seen = 1, 1
    for start in range(0, count, columns):
        turn, row = divmod(start // columns, rows)
        times = turn * rows + row  # how many numbers every column has seen
        here, passed = in_row[row], seen_row[row]
        width = min(columns, count - start)
        for column in range(width):
            # (column's mean / mean) * (row's mean / mean), begun with one and four average numbers.
            above = (in_column[column] * seen + total) * (here * seen + 4 * total) << 4
            ratio = above // ((times + 1) * (passed + 4) * total * total)
            level = _BUCKET[ratio if ratio < _LEVELS else _LEVELS]
            number = values.code(level, numbers[start + column] if numbers is not None else 0)
            found.append(number)
            if number:
                size = number if number > 0 else -number
                in_column[column] += size
                here += size
                total += size
            passed += 1
            seen += 1
        in_row[row], seen_row[row] = here, passed
    return found


class _Values:
    """The contexts of one array."""

    def __init__(self, coder: Coder) -> None:
        self._code = coder.code
        self._zero = [Context() for _ in range(16)]
        self._sign = Context()
        self._more: defaultdict[tuple[int, int], Context] = defaultdict(Context)
        self._low: defaultdict[tuple[int, int, int], Context] = defaultdict(Context)

    def code(self, level: int, number: int) -> int:
        """Writes or reads one number; returns it."""
        if not self._code(self._zero[level], number != 0):
            return 0
        negative = self._code(self._sign, number < 0)
        size = self._size(level, abs(number))
        return -size if negative else size

    def _size(self, level: int, number: int) -> int:
        length = 1
        while length < MOST_BITS and self._code(self._more[level, length], number >> length != 0):
            length += 1
        found = 1
        for left in range(length - 2, -1, -1):
            known = found if length - 2 - left < _MODELLED else 0
            found = found << 1 | self._code(self._low[length, left, known], number >> left & 1)
        return found
