"""Tests of products of integers with real factors, against exact fractions."""

import math
from fractions import Fraction

import numpy as np
import pytest

from source.config.errors import DataError
from source.exporter.integer.requantization import (
    INT32_MAX,
    doubled_high_product,
    mean_multiplier,
    multiply,
    quantized_multiplier,
    quantized_multipliers,
    rounded_shift,
)


def upwards(number: Fraction) -> int:
    """Returns the nearest integer, ties upwards."""
    return math.floor(number + Fraction(1, 2))


def away_from_zero(number: Fraction) -> int:
    """Returns the nearest integer, ties away from zero."""
    return upwards(number) if number >= 0 else -upwards(-number)


@pytest.mark.parametrize(
    ("factor", "expected"),
    [
        (1.0, (1 << 30, 1)),
        (0.5, (1 << 30, 0)),
        (0.75, (3 << 29, 0)),
        (2.0**-31, (1 << 30, -30)),
        (0.0, (0, 0)),
        (2.0**-40, (0, 0)),
        (1.0 - 2.0**-40, (1 << 30, 1)),  # rounds up to 2^31, which is the next power
        (0.1, (1717986918, -3)),
    ],
)
def test_a_factor_is_a_multiplier_of_31_bits_and_a_shift(factor, expected):
    assert quantized_multiplier(factor) == expected


def test_the_multiplier_is_within_half_of_its_last_bit():
    for factor in np.random.default_rng(0).uniform(2.0**-20, 4.0, 200):
        multiplier, shift = quantized_multiplier(float(factor))
        held = Fraction(multiplier) * Fraction(2) ** (shift - 31)
        assert 1 << 30 <= multiplier < 1 << 31
        assert abs(held - Fraction(float(factor))) <= Fraction(float(factor)) / (1 << 31)


@pytest.mark.parametrize("factor", [-0.5, math.nan, math.inf, 2.0**30])
def test_factors_that_cannot_be_are_refused(factor):
    with pytest.raises(DataError, match=r"must be in \[0, 2\^30\)\. Received: "):
        quantized_multiplier(factor)


def test_several_factors_become_arrays_of_int32():
    multipliers, shifts = quantized_multipliers([0.5, 1.0])
    assert multipliers.dtype == shifts.dtype == np.int32
    assert (multipliers.tolist(), shifts.tolist()) == ([1 << 30, 1 << 30], [0, 1])


@pytest.mark.parametrize("count", [1, 4, 49, 64, 1000])
def test_the_factor_of_a_mean_is_divided_downwards(count):
    multiplier, shift = mean_multiplier(0.7, count)
    held = Fraction(multiplier) * Fraction(2) ** (shift - 31)
    exact = Fraction(quantized_multiplier(0.7)[0], 1 << 31) / count
    assert 0 <= exact - held < Fraction(2) ** (shift - 31)


# By hand: 5 * 0.5 = 2.5 and 7 * 0.25 = 1.75. A sum of 31 bits less is rounded first, then the shift.
@pytest.mark.parametrize(
    ("x", "factor", "single", "double"),
    [
        (5, 0.5, 3, 3),
        (-5, 0.5, -2, -2),  # no shift remains: the product to 31 bits less is all, and its ties go upwards
        (6, 0.25, 2, 2),
        (-6, 0.25, -1, -2),  # -3 exactly after the first rounding, then -1.5 away from zero
        (7, 0.25, 2, 2),
        (-7, 0.25, -2, -2),
        (3, 2.0, 6, 6),
        (11, 0.0, 0, 0),
    ],
)
def test_products_of_small_numbers(x, factor, single, double):
    multiplier, shift = quantized_multiplier(factor)
    assert multiply(np.array(x), multiplier, shift, "single") == single
    assert multiply(np.array(x), multiplier, shift, "double") == double


@pytest.mark.parametrize("factor", [0.0371, 0.25, 0.5, 0.999, 1.0, 1.7, 2.0**-9, 3 * 2.0**-12])
def test_every_small_accumulator_is_rounded_as_fractions_say(factor):
    multiplier, shift = quantized_multiplier(factor)
    x = np.arange(-3000, 3001)
    exact = [Fraction(int(each) * multiplier) * Fraction(2) ** (shift - 31) for each in x]
    assert multiply(x, multiplier, shift, "single").tolist() == [upwards(each) for each in exact]
    left, right = max(shift, 0), max(-shift, 0)
    high = [upwards(Fraction((int(each) << left) * multiplier, 1 << 31)) for each in x]
    twice = [away_from_zero(Fraction(each, 1 << right)) for each in high]
    assert multiply(x, multiplier, shift, "double").tolist() == twice


def test_large_accumulators_and_saturation_by_a_left_shift():
    x = np.array([INT32_MAX, -INT32_MAX - 1, 1 << 29])
    multiplier, shift = quantized_multiplier(4.0)
    for rounding in ("single", "double"):
        # Shifted left by 3, all saturate; half of that remains.
        assert multiply(x, multiplier, shift, rounding).tolist() == [1 << 30, -(1 << 30), 1 << 30]
    multiplier, shift = quantized_multiplier(1.0 - 2.0**-20)
    exact = [upwards(Fraction(int(each) * multiplier) * Fraction(2) ** (shift - 31)) for each in x]
    assert multiply(x, multiplier, shift, "single").tolist() == exact


def test_shifts_beyond_all_bits_leave_nothing():
    assert multiply(np.array([INT32_MAX, -INT32_MAX]), 1 << 30, -62, "single").tolist() == [0, 0]
    assert multiply(np.array([INT32_MAX, -INT32_MAX]), 1 << 30, -62, "double").tolist() == [0, 0]


def test_factors_of_channels_broadcast():
    multipliers, shifts = quantized_multipliers([1.0, 0.5, 2.0])
    assert multiply(np.array([[4, 4, 4], [-6, -6, -6]]), multipliers, shifts).tolist() == [[4, 2, 8], [-6, -3, -12]]


def test_the_two_roundings_break_ties_as_documented():
    half = np.array([1 << 30, -(1 << 30)], np.int64)
    assert doubled_high_product(half, np.int64(1)).tolist() == [1, 0]
    assert rounded_shift(np.array([1, -1, 3, -3]), np.int64(1)).tolist() == [1, -1, 2, -2]
    assert rounded_shift(np.array([5, -5]), np.int64(0)).tolist() == [5, -5]
