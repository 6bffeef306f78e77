"""Tests of asymmetric numeral systems, against a decoder that moves one state at a time in Python's integers."""

import numpy as np
import pytest

from source.config.errors import DataError
from source.exporter.container import context_model, rans
from source.exporter.container.byte_stream import Cursor, unzigzag, varint


def decoded_one_by_one(data, count):
    """Returns the numbers, read as the page of the format tells."""
    cursor = Cursor(data, "test")
    low, symbols = unzigzag(cursor.varint()), cursor.varint()
    frequencies = context_model.decode(cursor.take(cursor.varint()), symbols, 1, 1).tolist()
    lanes = cursor.varint()
    states = [int.from_bytes(cursor.take(4), "little") for _ in range(lanes)]
    rest = cursor.rest()
    words = [int.from_bytes(rest[at : at + 2], "little") for at in range(0, len(rest), 2)]
    found = []
    for index in range(count):
        x = states[index % lanes]
        slot, symbol, start = x % 2**14, 0, 0
        while start + frequencies[symbol] <= slot:
            start += frequencies[symbol]
            symbol += 1
        x = frequencies[symbol] * (x // 2**14) + slot - start
        states[index % lanes] = x * 2**16 + words.pop(0) if x < 2**16 else x
        found.append(low + symbol)
    assert not words and states == [2**16] * lanes
    return found


@pytest.mark.parametrize("count", [1, 2, 1023, 1025, 5000])
@pytest.mark.parametrize("spread", [0.3, 3.0, 400.0])
def test_numbers_come_back_by_two_decoders(count, spread):
    numbers = np.clip(np.random.default_rng(7).normal(-5, spread, count).round(), -1500, 1500).astype(np.int64)
    data = rans.encode(numbers)
    np.testing.assert_array_equal(rans.decode(Cursor(data, "test"), count), numbers)
    assert decoded_one_by_one(data, count) == numbers.tolist()


def test_two_symbols_by_hand():
    data = rans.encode(np.array([3, 4]))
    table = context_model.encode(np.array([8192, 8192]), 1, 1)
    # 2^16, then 4: (2^16 // 8192) * 2^14 + 8192 = 139264; then 3: (139264 // 8192) * 2^14 + 139264 % 8192 = 278528.
    assert data == varint(6) + varint(2) + varint(len(table)) + table + varint(1) + (278528).to_bytes(4, "little")


def test_it_is_near_the_entropy():
    numbers = np.random.default_rng(8).binomial(14, 0.5, 40000)
    shares = np.bincount(numbers) / 40000
    shares = shares[shares > 0]
    entropy = -40000 * (shares * np.log2(shares)).sum() / 8
    # 40 states lose 2 bytes each of their 4, and the table takes some 30 bytes.
    assert entropy < len(rans.encode(numbers)) < entropy * 1.002 + 40 * 2 + 40


def test_frequencies_sum_to_a_power_of_two_and_none_is_lost():
    found = rans.scaled_frequencies(np.array([1, 0, 10**6, 3]))
    assert found.tolist() == [1, 0, 16382, 1]
    many = rans.scaled_frequencies(np.ones(4096, int))
    assert many.sum() == 2**14 and many.min() >= 1


def test_numbers_too_far_apart_are_not_coded():
    assert rans.encode(np.array([0, 4096])) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:1] + varint(5000) + data[2:], "a table of 5000 symbols is no table"),
        (lambda data: data[:1] + varint(7) + data[2:], "frequencies must be positive with a sum of 16384"),
        (lambda data: data + b"\0", "half a word is left over"),
        (lambda data: data + b"\0\0", "the states do not end where they began"),
        (lambda data: data[:-2], "the words end before the numbers do"),
    ],
)
def test_broken_bytes_are_refused(change, message):
    data = rans.encode(np.random.default_rng(9).integers(0, 4, 100))
    with pytest.raises(DataError, match=message):
        rans.decode(Cursor(change(data), "test"), 100)


def test_a_wrong_count_of_states_is_refused():
    data = rans.encode(np.random.default_rng(9).integers(0, 4, 100))
    with pytest.raises(DataError, match="2000 numbers have 2 states, not 1"):
        rans.decode(Cursor(data, "test"), 2000)
