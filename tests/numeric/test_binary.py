"""Tests of binary numbers."""

import numpy as np
import pytest

from source.config.errors import ConfigError
from source.numeric import number_format
from source.numeric.binary import Binary

X = np.float32([[1.0, -0.25], [-0.5, -0.75], [0.0, 1.0], [-0.0, 2.0]])


def test_the_scale_is_the_mean_magnitude_and_zero_counts_as_positive():
    assert np.array_equal(Binary().round(X), np.float32([[1, -1], [-1, -1], [1, 1], [1, 1]]) * np.float32(5.5 / 8))


def test_a_channel_has_its_own_mean():
    rounded = number_format("binary<channel>").round(X)
    assert np.array_equal(rounded, np.float32([[0.375, -1], [-0.375, -1], [0.375, 1], [0.375, 1]]))


def test_the_mean_is_right_to_the_last_bits():
    x = np.random.default_rng(0).normal(size=(300, 1000)).astype(np.float32)
    mean = np.abs(x.astype(np.float64)).mean()
    # Numbers are counted in units of the largest one's last bit, so each is off by half a unit at most.
    assert abs(float(Binary().round(x).max()) - mean) < 2.0**-22


def test_codes_take_one_bit():
    assert Binary().encode(X) == np.float32([5.5 / 8]).tobytes() + bytes([0b11110001])


def test_blocks_are_refused():
    with pytest.raises(ConfigError, match=r'A mean is taken over a "tensor" or a "channel". Received: group=64.'):
        Binary(64)
