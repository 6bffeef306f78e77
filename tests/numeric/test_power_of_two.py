"""Tests of powers of two and of E8M0."""

import ml_dtypes
import numpy as np
import pytest

from source.config.errors import ConfigError
from source.numeric import number_format
from source.numeric.power_of_two import PowerOfTwo, ScaleExponent
from tests.numeric.formats import MIXED, hard_numbers


def test_golden_vector():
    expected = "-1 -1 -1 -.5 -.5 -.125 0 0 0 .125 .125 .25 .5 .5 1 1 1 1 1 1"
    rounded = number_format("shift<2,3>").round(MIXED)
    assert np.array_equal(rounded, np.float32(expected.split()))


def test_ties_go_up_and_half_the_smallest_to_zero():
    numeric = number_format("pow2<4>")
    assert numeric.lowest == -6
    x = np.float32([0.375, 0.37499997, -0.375, 2.0**-7, 2.0**-7 + 2.0**-30])
    assert numeric.round(x).tolist() == [0.5, 0.25, -0.5, 0.0, 2.0**-6]


def test_values_and_bits():
    assert number_format("pow2<3,2>").values().tolist() == [-4, -2, -1, 0, 1, 2, 4]
    assert number_format("pow2<3,2>").bits == 3
    assert number_format("shift<2,3>").values().tolist() == [-1, -0.5, -0.25, -0.125, 0, 0.125, 0.25, 0.5, 1]
    assert number_format("shift<2,3>").bits == 4  # nine numbers


def test_codes_hold_the_sign_and_the_power():
    assert number_format("pow2<3,2>").to_codes(np.float32([0, 1, 2, 4, -1, -4])).tolist() == [0, 1, 2, 3, 5, 7]


@pytest.mark.parametrize(
    ("exponents", "top", "message"),
    [
        (0, 0, r"Powers of two must be in .* Received: exponents=0, top=0."),
        (7, 128, r"Powers of two must be in .* Received: exponents=7, top=128."),
        (5, 0, r"`exponents` must be 2\^k - 1, .* or 2\^k. Received: exponents=5."),
    ],
)
def test_impossible_formats_are_refused(exponents, top, message):
    with pytest.raises(ConfigError, match=message):
        PowerOfTwo(exponents, top)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("pow2<10>", "Powers of two have 2 to 9 bits. Received: 10."),
        ("shift<8,3>", "The exponent of a shift has 0 to 7 bits. Received: 8."),
    ],
)
def test_names_with_impossible_bits_are_refused(name, message):
    with pytest.raises(ConfigError, match=message):
        number_format(name)


def test_e8m0_equals_the_witness():
    x = hard_numbers()
    # Witnesses know 2^-127, a subnormal float32, and round beyond 2^127 to NaN.
    x = np.where((x > 0) & ((x < 2.0**-126) | (x > 2.5e38)), np.float32(1.0), x)
    with np.errstate(invalid="ignore"):
        expected = x.astype(ml_dtypes.float8_e8m0fnu)
    assert np.array_equal(ScaleExponent().round(x), expected.astype(np.float32), equal_nan=True)
    assert ScaleExponent().encode(x) == expected.tobytes()


def test_e8m0_values():
    values = ScaleExponent().values()
    assert (values[0], values[-1], values.size) == (2.0**-126, 2.0**127, 254)
    assert ScaleExponent().round(np.float32(np.inf)) == 2.0**127
