"""Tests of ternary numbers."""

import numpy as np
import pytest

from source.config.errors import ConfigError
from source.numeric import number_format
from source.numeric.ternary import Ternary

X = np.float32([[1.0, -0.1], [0.5, -2.0], [-0.25, 0.3], [0.25, 0.0]])


def test_ternary_weight_networks():
    # mean |x| = 4.4 / 8, border 0.385; mean of 1, 0.5 and 2 is 3.5 / 3.
    scale = np.float32(3.5 / 3)
    assert np.array_equal(Ternary().round(X), np.float32([[1, 0], [1, -1], [0, 0], [0, 0]]) * scale)


def test_a_channel_has_its_own_scale_and_border():
    rounded = number_format("ternary<channel>").round(X)
    # Borders 0.7 * 0.5 and 0.7 * 0.6; scales 0.75 and 2.
    assert np.array_equal(rounded, np.float32([[0.75, 0], [0.75, -2], [0, 0], [0, 0]]))


def test_a_fixed_scale_rounds_to_the_nearest_or_keeps_zeros_alone():
    nearest = number_format("ternary<scale=1,threshold=0.5>")
    assert np.array_equal(nearest.round(X), np.float32([[1, 0], [0, -1], [0, 0], [0, 0]]))
    signs = number_format("ternary<scale=0.5,threshold=0>")
    assert np.array_equal(signs.round(X), np.sign(X) * 0.5)


def test_codes_take_two_bits():
    data = Ternary().encode(X)
    assert data == np.float32([3.5 / 3]).tobytes() + bytes([0b00100110, 0b01010101])


def test_zeros_stay():
    assert not Ternary().round(np.zeros((3, 3), np.float32)).any()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"threshold": -1.0}, r"`threshold` must be in \[0, 100\]. Received: threshold=-1.0."),
        ({"fixed_scale": 0.0}, r"A fixed scale must be in \[2\^-100, 2\^100\]. Received: scale=0.0."),
        ({"group": 64}, 'A mean is taken over a "tensor" or a "channel". Received: group=64.'),
    ],
)
def test_impossible_formats_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        Ternary(**settings)
