"""Tests of powers of two below the one of the largest number."""

import numpy as np
import pytest

from source.config.errors import ConfigError
from source.numeric import number_format
from source.numeric.scaled_power_of_two import ScaledPowerOfTwo


@pytest.mark.parametrize("largest", [0.9, 0.75, 0.7499999, 1.0, 1.4999999, 1.5, 0.011, 93.0])
@pytest.mark.parametrize("width", [2, 3, 5, 8])
def test_exponents_are_those_of_incremental_quantization(largest, width):
    highest = int(np.floor(np.log2(4 * np.float64(np.float32(largest)) / 3)))
    lowest = highest + 1 - 2 ** (width - 2)
    x = np.append(np.float32(largest) * np.float32([1, -1, 0]), np.ldexp(np.float32([1.0, 1.0]), [lowest, lowest - 1]))
    rounded = ScaledPowerOfTwo(width).round(x)
    assert rounded[:3].tolist() == [2.0**highest, -(2.0**highest), 0.0]
    assert rounded[3:].tolist() == [2.0**lowest, 0.0]  # half the smallest is zero


def test_ties_go_up():
    # n1 = 0, and three bits have the powers 1 and 1/2.
    assert ScaledPowerOfTwo(3).round(np.float32([1.0, 0.75, 0.7499999, 0.26])).tolist() == [1.0, 1.0, 0.5, 0.5]


def test_a_channel_and_a_block_have_their_own_largest():
    x = np.float32([[1.0, 8.0], [0.1, 0.1]])
    assert number_format("inq<3,channel>").round(x).tolist() == [[1, 8], [0, 0]]
    assert number_format("inq<3,2>").round(x).tolist() == [[0, 8], [0.125, 0.125]]


def test_values_and_bits():
    assert number_format("inq<4>").values().tolist() == [-1, -0.5, -0.25, -0.125, 0, 0.125, 0.25, 0.5, 1]
    assert number_format("inq<4>").bits == 4
    # The scale 1 as E8M0; the positions 8 and 7, with a sign.
    assert ScaledPowerOfTwo(5).encode(np.float32([1.0, -0.5])) == bytes([127, 0b11101000, 0b10])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 1}, r"`width` must be in \[2, 8\]. Received: width=1."),
        ({"width": 9}, r"`width` must be in \[2, 8\]. Received: width=9."),
        ({"width": 4, "group": 0}, r"A group must be .* Received: 0."),
    ],
)
def test_impossible_formats_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        ScaledPowerOfTwo(**settings)
