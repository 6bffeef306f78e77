"""Tests of arrays of integers: each coding by hand, and that the smallest is taken."""

import numpy as np
import pytest

from source.config.errors import DataError
from source.exporter.container import integers
from source.exporter.container.byte_stream import Cursor


def decode(data, count, *layout):
    return integers.decode(Cursor(data, "m.esp"), count, *layout).tolist()


def test_no_number_is_no_byte():
    assert integers.encode(np.zeros(0, np.int64)) == b""
    assert decode(b"", 0) == []


def test_a_constant_is_two_bytes():
    assert integers.encode(np.full(1000, -3)).hex() == "0005"
    assert decode(bytes.fromhex("0005"), 3) == [-3, -3, -3]


def test_codes_of_three_bits_stand_one_after_the_other_the_lowest_bit_first():
    # From the right: 001 010 111 000 101, which is 0x15c5; then the same with the least number -2.
    assert decode(bytes.fromhex("01 03 00 c515"), 5) == [5, 0, 7, 2, 1]
    assert decode(bytes.fromhex("01 03 03 c515"), 5) == [3, -2, 5, 0, -1]


def test_codes_of_eight_bits_are_bytes():
    assert decode(bytes.fromhex("01 08 00 ff 00 07"), 3) == [255, 0, 7]


def test_a_bitmap_says_which_are_not_zero():
    # 5 = BITMAP; a part of 2 bytes, the constant -3; then the bits 1, 4 and 9.
    assert decode(bytes.fromhex("05 02 0005 1202"), 10) == [0, -3, 0, 0, -3, 0, 0, 0, 0, -3]


def test_gaps_say_how_many_zeros_stand_before_each():
    # 6 = GAPS; 3 numbers; a part of 2 bytes, the constant 2; gaps 1, 2, 4 in 2 bits less 1: 0, 1, 3.
    assert decode(bytes.fromhex("06 03 02 0004 01 02 02 34"), 10) == [0, 2, 0, 0, 2, 0, 0, 0, 0, 2]


@pytest.mark.parametrize("density", [0.001, 0.02, 0.3, 1.0])
@pytest.mark.parametrize("slow", [integers.CONTEXT, None])
def test_all_numbers_come_back(density, slow):
    draw = np.random.default_rng(10)
    numbers = draw.integers(-7, 8, 6000) * (draw.random(6000) < density)
    data = integers.encode(numbers, 20, 30, slow)
    assert decode(data, 6000, 20, 30) == numbers.tolist()


@pytest.mark.parametrize(
    ("numbers", "slow", "coding"),
    [
        (np.random.default_rng(11).integers(0, 16, 5000), None, integers.FIXED),
        (np.random.default_rng(11).binomial(16, 0.5, 5000), None, integers.RANS),
        (np.random.default_rng(11).binomial(16, 0.5, 500), integers.CONTEXT, integers.CONTEXT),
        (np.random.default_rng(11).choice([3, 190, 191], 500, p=[0.1, 0.8, 0.1]), integers.BYTES, integers.BYTES),
        ((np.random.default_rng(11).random(400_000) < 0.003).astype(int), None, integers.GAPS),
        (
            np.random.default_rng(11).integers(1, 2**20, 5000) * (np.random.default_rng(12).random(5000) < 0.4),
            None,
            integers.BITMAP,
        ),
    ],
)
def test_the_smallest_coding_is_taken(numbers, slow, coding):
    data = integers.encode(numbers, slow=slow)
    assert data[0] == coding
    assert decode(data, len(numbers)) == numbers.tolist()


def test_sparse_positions_are_near_their_entropy():
    n, live = 400_000, 1240
    numbers = np.zeros(n, np.int64)
    numbers[np.random.default_rng(12).choice(n, live, replace=False)] = 1
    p = live / n
    entropy = n * (-p * np.log2(p) - (1 - p) * np.log2(1 - p)) / 8
    # Gaps of one law take no more than the entropy; learning the law takes some 10 bytes.
    assert entropy < len(integers.encode(numbers, 500, 800)) < 1.01 * entropy


@pytest.mark.parametrize(
    ("data", "count", "message"),
    [
        ("08", 3, "there is no coding 8 of integers here"),
        ("01 00 00", 3, "a code of 0 bits is none"),
        ("01 22 00", 3, "a code of 34 bits is none"),
        ("01 08 00 ff", 3, "3 bytes are announced where 1 are left"),
        ("00 05 00", 3, "1 bytes are left over"),
        ("05 03 050000 01", 3, "there is no coding 5 of integers here"),
        ("06 09 02 0004 00 00", 3, "9 of 3 numbers cannot differ from zero"),
        ("06 01 02 0004 00 06", 3, "a gap is longer than the array"),
        ("06 02 02 0004 00 02", 3, "the gaps are longer than the array"),
        ("03", (1 << 20) + 1, "1048577 numbers in contexts are more than 1048576"),
        ("05", 0, "1 bytes are left over"),
    ],
)
def test_broken_bytes_are_refused(data, count, message):
    with pytest.raises(DataError, match=message):
        decode(bytes.fromhex(data), count)
