"""Tests of floating point numbers without subnormal ones."""

import numpy as np
import pytest

from source.config.errors import ConfigError
from source.numeric import number_format
from source.numeric.normalized_float import NormalizedFloat
from tests.numeric.formats import MIXED


def test_golden_vector():
    expected = "-3.5 -1.25 -1 -.75 -.375 -.25 0 0 0 0 0 .25 .375 .5 .75 1 1.5 1.5 2 3.5"
    rounded = number_format("float<2,2,2>").round(MIXED)
    assert np.array_equal(rounded, np.float32(expected.split()))


def test_values_have_a_gap_around_zero():
    positive = [0.25, 0.375, 0.5, 0.75]
    assert NormalizedFloat(1, 1, 2).values().tolist() == [-x for x in reversed(positive)] + [0.0] + positive


def test_half_the_smallest_rounds_to_zero_and_more_to_the_smallest():
    numeric = NormalizedFloat(2, 2, 2)
    assert numeric.round(np.float32([0.125, 0.126, -0.126])).tolist() == [0.0, 0.25, -0.25]


def test_codes_begin_with_zero():
    numeric = NormalizedFloat(1, 1, 2)
    assert numeric.to_codes(numeric.values()).tolist() == [12, 11, 10, 9, 0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((8, 2, 0), "has 0 to 7 bits of exponent and 0 to 20 of mantissa. Received: exponent=8, mantissa=2."),
        ((3, 3, 127), "Steps must be at least .* Received: exponents -127 to -120, mantissa=3."),
    ],
)
def test_impossible_formats_are_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        NormalizedFloat(*arguments)
