"""Tests of LMNet's activation quantizer."""

import numpy as np
import pytest

from source.config.errors import ConfigError
from source.numeric.mid_tread import MidTreadHalf


def test_golden_table():
    x = np.float32([-1, 0, 0.2, 0.3334, 0.9999, 1.0, 1.6667, 2.0, 3])
    expected = np.float32([0, 0, 0, 2 / 3, 2 / 3, 4 / 3, 2, 2, 2])
    assert np.array_equal(MidTreadHalf(2, 2.0).round(x), expected)


def test_the_largest_number_is_exact():
    for width in range(1, 17):
        assert MidTreadHalf(width, 6.0).round(np.float32(7.0)) == 6.0
        assert MidTreadHalf(width, 6.0).values().size == 1 << width


def test_codes_are_numbers_of_steps():
    assert MidTreadHalf(2, 2.0).encode(np.float32([0, 2 / 3, 4 / 3, 2])) == bytes([0b11100100])


@pytest.mark.parametrize(
    ("width", "maximum", "message"),
    [
        (17, 2.0, r"`width` must be in \[1, 16\]. Received: width=17."),
        (2, -1.0, r"`maximum` must be in \[2\^-60, 2\^60\]. Received: maximum=-1.0."),
    ],
)
def test_impossible_formats_are_refused(width, maximum, message):
    with pytest.raises(ConfigError, match=message):
        MidTreadHalf(width, maximum)
