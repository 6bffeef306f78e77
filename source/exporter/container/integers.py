"""Arrays of integers as bytes: every coding that fits is tried, and the smallest is taken.

The first byte says which: `CODINGS`. Arrays of no number take no byte.
"""

from collections.abc import Iterator

import numpy as np

from source.exporter.container import byte_model, context_model, rans
from source.exporter.container.byte_stream import Cursor, unzigzag, varint, zigzag

CODINGS = ("constant", "fixed", "rans", "context", "bytes", "bitmap", "gaps", "alone")
CONSTANT, FIXED, RANS, CONTEXT, BYTES, BITMAP, GAPS, ALONE = range(len(CODINGS))
_BIT_BY_BIT = (CONTEXT, BYTES, ALONE)
MOST_SLOW = 1 << 20  # numbers in contexts: some 2 s to read
# Contexts take some 2 microseconds a number: 16,384 numbers, or 0.03 s, must save a byte.
_PRICE = 1 << 14
_WIDEST = 32
_RANDOM = 0.995  # of the fixed width: there is nothing to gain
_BLOCK = 1 << 16  # codes that are packed at once: a multiple of 8, so that each block begins with a byte


def encode(numbers: np.ndarray, columns: int = 1, rows: int = 1, slow: int | None = CONTEXT) -> bytes:
    """Returns integers as few bytes.

    Args:
        numbers: below 2^32 in magnitude, in the order of writing.
        columns: number i is in column i mod columns; contexts use it.
        rows: and in row i // columns mod rows.
        slow: which coding bit by bit may be tried: `CONTEXT`, `BYTES` for numbers in [0, 256), or None.
    """
    if not len(numbers):
        return b""
    whole = [*_plain(numbers, columns, rows, slow), *_sparse(numbers, slow)]
    return min(whole, key=lambda coded: len(coded) + _price(coded, len(numbers)))


def decode(cursor: Cursor, count: int, columns: int = 1, rows: int = 1, nested: bool = False) -> np.ndarray:
    """Returns the integers as int64.

    Args:
        cursor: over what `encode` returned, and nothing behind it.
        count: of numbers.
        columns: as in `encode`.
        rows: as in `encode`.
        nested: whether this is a part of another array, which can only be dense.

    Raises:
        DataError: for bytes that `encode` cannot have written.
    """
    if not count:
        cursor.end()
        return np.zeros(0, np.int64)
    coding = cursor.byte()
    if coding >= len(CODINGS) or (nested and coding in (BITMAP, GAPS)):
        raise cursor.wrong(f"there is no coding {coding} of integers here")
    if coding == CONSTANT:
        found = np.full(count, unzigzag(cursor.varint()), np.int64)
    elif coding == FIXED:
        found = _read_fixed(cursor, count)
    elif coding == RANS:
        found = rans.decode(cursor, count)
    elif coding in _BIT_BY_BIT:
        if count > MOST_SLOW:
            raise cursor.wrong(f"{count} numbers in contexts are more than {MOST_SLOW}")
        data, layout = cursor.rest(), (columns, rows) if coding == CONTEXT else (1, 1)
        found = byte_model.decode(data, count) if coding == BYTES else context_model.decode(data, count, *layout)
    else:
        found = _read_sparse(cursor, count, coding)
    cursor.end()
    return found


def _plain(numbers: np.ndarray, columns: int, rows: int, slow: int | None) -> Iterator[bytes]:
    low, high = int(numbers.min()), int(numbers.max())
    if low == high:
        yield bytes([CONSTANT]) + varint(zigzag(low))
        return
    yield _fixed(numbers, low, high)
    if slow != CONTEXT and high - low < rans.MOST_SYMBOLS and _is_random(numbers - low, _width(high - low)):
        return
    coded = rans.encode(numbers)
    if coded is not None:
        yield bytes([RANS]) + coded
    if slow == CONTEXT and len(numbers) <= MOST_SLOW:
        yield bytes([CONTEXT]) + context_model.encode(numbers, columns, rows)
        if columns > 1:  # where channels are alike, telling them apart costs some 2 %
            yield bytes([ALONE]) + context_model.encode(numbers, 1, 1)
    if slow == BYTES and len(numbers) <= MOST_SLOW:
        yield bytes([BYTES]) + byte_model.encode(numbers)


def _sparse(numbers: np.ndarray, slow: int | None) -> Iterator[bytes]:
    places = np.flatnonzero(numbers)
    if not 0 < 2 * len(places) < len(numbers):
        return
    live = min(_plain(numbers[places], 1, 1, slow), key=len)
    bitmap = np.packbits(numbers != 0, bitorder="little").tobytes()
    yield bytes([BITMAP]) + varint(len(live)) + live + bitmap
    gaps = min(_plain(np.diff(places, prepend=-1) - 1, 1, 1, slow), key=len)
    yield bytes([GAPS]) + varint(len(places)) + varint(len(live)) + live + gaps


def _price(coded: bytes, count: int) -> float:
    return count / _PRICE if coded[0] in _BIT_BY_BIT else 0.0


def _is_random(symbols: np.ndarray, width: int) -> bool:
    """Whether the entropy, below which no coding by frequency can go, is nearly that of codes of a fixed width."""
    counts = np.bincount(symbols)
    counts = counts[counts > 0]
    return float((counts * np.log2(len(symbols) / counts)).sum()) > _RANDOM * len(symbols) * width


def _width(span: int) -> int:
    return span.bit_length()


def _fixed(numbers: np.ndarray, low: int, high: int) -> bytes:
    width = _width(high - low)
    codes = (numbers - low).astype(np.uint64)
    if width == 8:
        packed = codes.astype(np.uint8).tobytes()
    else:
        packed = b"".join(_pack(codes[at : at + _BLOCK], width) for at in range(0, len(codes), _BLOCK))
    return bytes([FIXED, width]) + varint(zigzag(low)) + packed


def _pack(codes: np.ndarray, width: int) -> bytes:
    bits = codes[:, np.newaxis] >> np.arange(width, dtype=np.uint64) & np.uint64(1)
    return np.packbits(bits.astype(np.uint8), bitorder="little").tobytes()


def _read_fixed(cursor: Cursor, count: int) -> np.ndarray:
    width, low = cursor.byte(), unzigzag(cursor.varint())
    if not 0 < width <= _WIDEST + 1:
        raise cursor.wrong(f"a code of {width} bits is none")
    packed = np.frombuffer(cursor.take(-(-count * width // 8)), np.uint8)
    if width == 8:
        return packed.astype(np.int64) + low
    found = np.empty(count, np.int64)
    powers = 1 << np.arange(width, dtype=np.int64)
    for at in range(0, count, _BLOCK):
        number = min(_BLOCK, count - at)
        bits = np.unpackbits(packed[at * width // 8 :], count=number * width, bitorder="little")
        found[at : at + number] = bits.reshape(number, width).astype(np.int64) @ powers
    return found + low


def _read_sparse(cursor: Cursor, count: int, coding: int) -> np.ndarray:
    found = np.zeros(count, np.int64)
    if coding == BITMAP:
        live = cursor.part()
        flags = np.unpackbits(np.frombuffer(cursor.take(-(-count // 8)), np.uint8), count=count, bitorder="little")
        places = np.flatnonzero(flags)
    else:
        number, live = cursor.varint(), cursor.part()
        if number > count:
            raise cursor.wrong(f"{number} of {count} numbers cannot differ from zero")
        gaps = decode(Cursor(cursor.rest(), cursor.name), number, nested=True)
        if gaps.min(initial=0) < 0 or gaps.max(initial=0) >= count:
            raise cursor.wrong("a gap is longer than the array")
        places = np.cumsum(gaps + 1) - 1
        if number and places[-1] >= count:
            raise cursor.wrong("the gaps are longer than the array")
    found[places] = decode(live, len(places), nested=True)
    return found
