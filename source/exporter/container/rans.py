"""Integers by their frequency: a range variant of asymmetric numeral systems, many states side by side.

One state codes symbol after symbol: x' = (x // f) * 2^14 + c + x mod f, with f the symbol's frequency in 2^14 and c
that of the symbols before it; when x would leave 32 bits, 16 of them are written (Duda, 2013,
https://arxiv.org/abs/1311.2540). Symbol i belongs to state i mod lanes, so NumPy moves all states at once (Giesen,
2014, https://arxiv.org/abs/1402.3392).
"""

import numpy as np

from source.exporter.container import context_model
from source.exporter.container.byte_stream import Cursor, unzigzag, varint, zigzag

BITS = 14
MOST_SYMBOLS = 4096
_SCALE = 1 << BITS
_START = 1 << 16
# A state costs 4 bytes, of which 2 are lost, and a step of all states some 40 microseconds: 1024 steps are 0.04 s.
_PER_LANE = 1024


def encode(numbers: np.ndarray) -> bytes | None:
    """Returns integers as bytes: least number, count of symbols, frequencies, count of states, states, words.

    Args:
        numbers: at least one.

    Returns:
        None if the numbers span more than 4096.
    """
    low, high = int(numbers.min()), int(numbers.max())
    if high - low >= MOST_SYMBOLS:
        return None
    symbols = numbers.astype(np.int64) - low
    frequencies = scaled_frequencies(np.bincount(symbols))
    table = context_model.encode(frequencies, 1, 1)
    lanes = -(-len(symbols) // _PER_LANE)
    states, words = _push(symbols, frequencies, lanes)
    head = varint(zigzag(low)) + varint(len(frequencies)) + varint(len(table)) + table + varint(lanes)
    return head + states.astype("<u4").tobytes() + words.astype("<u2").tobytes()


def decode(cursor: Cursor, count: int) -> np.ndarray:
    """Returns the integers as int64.

    Args:
        cursor: over what `encode` returned, and nothing behind it.
        count: of numbers, at least 1.

    Raises:
        DataError: for bytes that `encode` cannot have written.
    """
    low, symbols = unzigzag(cursor.varint()), cursor.varint()
    if not 0 < symbols <= MOST_SYMBOLS:
        raise cursor.wrong(f"a table of {symbols} symbols is no table")
    frequencies = context_model.decode(cursor.take(cursor.varint()), symbols, 1, 1)
    if frequencies.min() < 0 or frequencies.sum() != _SCALE:
        raise cursor.wrong(f"frequencies must be positive with a sum of {_SCALE}")
    lanes = cursor.varint()
    if lanes != -(-count // _PER_LANE):
        raise cursor.wrong(f"{count} numbers have {-(-count // _PER_LANE)} states, not {lanes}")
    states = np.frombuffer(cursor.take(4 * lanes), "<u4").astype(np.int64)
    rest = cursor.rest()
    if len(rest) % 2:
        raise cursor.wrong("half a word is left over")
    return _pop(states, np.frombuffer(rest, "<u2").astype(np.int64), frequencies, count, cursor) + low


def scaled_frequencies(counts: np.ndarray) -> np.ndarray:
    """Returns frequencies with a sum of 2^14, near counts * 2^14 / sum, at least 1 for every symbol that occurs.

    Args:
        counts: how often each symbol occurs.
    """
    counts = counts.astype(np.int64)
    scaled = np.where(counts > 0, np.maximum(1, counts * _SCALE // counts.sum()), 0)
    while (excess := int(scaled.sum()) - _SCALE) != 0:
        largest = int(scaled.argmax())
        scaled[largest] -= min(excess, int(scaled[largest]) // 2) if excess > 0 else excess
    return scaled


def _push(symbols: np.ndarray, frequencies: np.ndarray, lanes: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the last states and the words, in the order in which they are read: the last symbol goes in first."""
    starts = np.cumsum(frequencies) - frequencies
    states = np.full(lanes, _START, np.int64)
    written = []
    for begin in range((len(symbols) - 1) // lanes * lanes, -1, -lanes):
        now = symbols[begin : begin + lanes]
        f, x = frequencies[now], states[: len(now)]
        full = x >= f << 32 - BITS
        written.append(x[full] & 0xFFFF)
        x = np.where(full, x >> 16, x)
        states[: len(now)] = ((x // f) << BITS) + x % f + starts[now]
    return states, np.concatenate(written[::-1])


def _pop(states: np.ndarray, words: np.ndarray, frequencies: np.ndarray, count: int, cursor: Cursor) -> np.ndarray:
    starts = np.cumsum(frequencies) - frequencies
    symbol_at = np.repeat(np.arange(len(frequencies)), frequencies)
    f_at, offset_at = frequencies[symbol_at], np.arange(_SCALE) - starts[symbol_at]
    found, lanes, at = np.empty(count, np.int64), len(states), 0
    for begin in range(0, count, lanes):
        x = states[: min(lanes, count - begin)]
        slot = x & _SCALE - 1
        found[begin : begin + len(x)] = symbol_at[slot]
        x[:] = f_at[slot] * (x >> BITS) + offset_at[slot]
        empty = np.flatnonzero(x < _START)
        if at + len(empty) > len(words):
            raise cursor.wrong("the words end before the numbers do")
        x[empty] = x[empty] << 16 | words[at : at + len(empty)]
        at += len(empty)
    if at != len(words) or (states != _START).any():
        raise cursor.wrong("the states do not end where they began")
    return found
