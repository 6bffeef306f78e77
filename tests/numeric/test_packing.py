"""Tests of packed codes."""

import numpy as np
import pytest

from source.config.errors import DataError
from source.numeric.packing import pack, packed_size, unpack


@pytest.mark.parametrize("bits", range(1, 33))
def test_codes_of_every_width_come_back(bits):
    codes = np.random.default_rng(bits).integers(0, 1 << bits, 37)
    data = pack(codes, bits)
    assert len(data) == packed_size(37, bits) == -(-37 * bits // 8)
    assert np.array_equal(unpack(data, bits, 37), codes)


def test_the_lowest_bit_comes_first():
    assert pack(np.array([1, 2, 3]), 3) == bytes([0b11010001, 0])
    assert pack(np.array([0x1234]), 16) == b"\x34\x12"


@pytest.mark.parametrize("codes", [[4], [-1]])
def test_codes_that_do_not_fit_are_refused(codes):
    with pytest.raises(DataError, match=r"Codes must be in \[0, 2\^2\). Received: "):
        pack(np.array(codes), 2)


def test_bytes_that_are_missing_are_refused():
    with pytest.raises(DataError, match=r"5 codes of 3 bits take 2 bytes. Received: 1 bytes."):
        unpack(b"0", 3, 5)


def test_nothing_packs_to_nothing():
    assert pack(np.zeros(0, np.int64), 5) == b""
    assert unpack(b"", 5, 0).size == 0
