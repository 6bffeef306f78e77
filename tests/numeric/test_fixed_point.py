"""Tests of fixed point numbers."""

import numpy as np
import pytest

from source.config.errors import ConfigError, DataError
from source.numeric import number_format
from source.numeric.fixed_point import FixedPoint
from tests.numeric.formats import MIXED


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "fixed<8,2>",
            "-2 -1.265625 -1 -.734375 -.40625 -.125 -.046875 0 .03125 .0625 .09375 .203125 .375 .546875 .796875 1 "
            "1.484375 1.5 1.984375 1.984375",
        ),
        ("fixed<4,1>", "-1 -1 -1 -.75 -.375 -.125 0 0 0 .125 .125 .25 .375 .5 .75 .875 .875 .875 .875 .875"),
        ("fixed<4,2>", "-2 -1.25 -1 -.75 -.5 -.25 0 0 0 0 0 .25 .5 .5 .75 1 1.5 1.5 1.75 1.75"),
    ],
)
def test_golden_vectors(name, expected):
    assert np.array_equal(number_format(name).round(MIXED), np.float32(expected.split()))


def test_the_point_of_a_readable_name_counts_the_bits_before_it():
    assert number_format("fixed<8,2>") == FixedPoint(8, 6, symmetric=False)


@pytest.mark.parametrize(("symmetric", "lowest"), [(True, -127.0), (False, -128.0)])
def test_int8_ends(symmetric, lowest):
    numeric = FixedPoint(8, symmetric=symmetric)
    assert numeric.round(np.float32([-1000, 1000])).tolist() == [lowest, 127.0]
    assert numeric.values().tolist() == list(range(int(lowest), 128))


def test_ties_go_to_even_and_half_and_an_ulp_goes_up():
    x = np.float32([0.5, 1.5, 2.5, -0.5, -1.5, np.nextafter(np.float32(0.5), np.float32(1))])
    assert FixedPoint(8).round(x).tolist() == [0, 2, 2, 0, -2, 1]


@pytest.mark.parametrize(("rounding", "expected"), [("up", [1, -1, 1, 0, 3]), ("down", [0, -2, 0, -1, 3])])
def test_up_and_down(rounding, expected):
    x = np.float32([0.3, -1.5, 2.0**-126, -(2.0**-126), 3.0])
    assert FixedPoint(8, rounding=rounding).round(x).tolist() == expected


def test_without_clamping_large_numbers_stay():
    numeric = number_format("XP[8,+2](__N)")
    x = np.float32([1000.3, 2.0**100, np.inf, -3.1])
    assert numeric.round(x).tolist() == [1000.25, 2.0**100, np.inf, -3.0]
    assert numeric.encode(np.float32([31.75, -32.0])) == bytes([0x7F, 0x80])
    with pytest.raises(
        DataError, match=r"does not clamp, and codes end at -128 and 127. Received: 4001 to 4001 steps."
    ):
        numeric.encode(np.float32([1000.3]))


def test_codes_are_in_twos_complement():
    numeric = FixedPoint(4, 2, symmetric=False)
    assert numeric.to_codes(np.float32([-2, -0.25, 0, 1.75])).tolist() == [8, 15, 0, 7]
    assert numeric.encode(np.float32([-2, -0.25, 0, 1.75])) == bytes([0xF8, 0x70])


def test_nan_has_no_code():
    with pytest.raises(DataError, match=r"`XP\[8,0\]\(CSN\)` has no code for NaN. Received: 1 NaN."):
        FixedPoint(8).encode(np.float32([1, np.nan]))


def test_wide_formats_are_not_listed():
    with pytest.raises(ConfigError, match=r"has too many numbers to list: 24 bits. At most 16 bits are listed."):
        FixedPoint(24).values()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((26,), r"`width` must be in \[1, 25\], which float32 holds. Received: width=26."),
        ((8, 65), r"`fraction` must be in \[-64, 64\]. Received: fraction=65."),
    ],
)
def test_impossible_formats_are_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        FixedPoint(*arguments)
