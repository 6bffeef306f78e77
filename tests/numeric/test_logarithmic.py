"""Tests of logarithmic numbers."""

import numpy as np
import pytest

from source.config.errors import ConfigError
from source.numeric.logarithmic import Logarithmic


def test_values_are_powers_of_a_root_of_two():
    root = np.float32(2**0.5)
    values = Logarithmic(4, 1).values()
    assert np.array_equal(values[8:], np.float32([0.125, root / 8, 0.25, root / 4, 0.5, root / 2, 1.0]))
    assert np.array_equal(values, -values[::-1])
    assert Logarithmic(4).values()[8:].tolist() == [2.0**e for e in range(-6, 1)]


def test_the_border_is_the_geometric_mean():
    root = np.float32(2**0.5)
    x = np.float32([root / 2, np.nextafter(root / 2, np.float32(1)), np.nextafter(root / 2, np.float32(0))])
    # sqrt(1/2) lies between two float32: the lower one is x[2] or x[0].
    expected = np.where(x.astype(np.float64) ** 2 > 0.5, 1.0, 0.5)
    assert np.array_equal(Logarithmic(4).round(x), expected)
    assert Logarithmic(4).round(np.float32([2.0**-6.4, 2.0**-6.6, -(2.0**-6.4)])).tolist() == [2.0**-6, 0, -(2.0**-6)]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 11}, "has 2 to 10 bits, and 0 to 6 behind .* Received: width=11, fraction=0."),
        ({"width": 9}, r"Exponents must be in \[-120, 120\]. Received: -254 to 0."),
    ],
)
def test_impossible_formats_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        Logarithmic(**settings)
