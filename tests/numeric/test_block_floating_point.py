"""Tests of block floating point."""

import numpy as np
import pytest

from source.config.errors import ConfigError
from source.numeric import number_format
from source.numeric.block_floating_point import BlockFloatingPoint
from tests.numeric.formats import normal_numbers


def reference(x: np.ndarray, width: int) -> np.ndarray:
    """Returns one block rounded in float64."""
    exponent = np.frexp(np.abs(x).max())[1] - 1
    step = 2.0 ** (exponent + 2 - width)
    most = 2 ** (width - 1) - 1
    return (np.clip(np.rint(x.astype(np.float64) / step), -most, most) * step).astype(np.float32)


@pytest.mark.parametrize("width", [2, 4, 8, 16, 22, 25])
def test_every_block_equals_the_formula(width):
    x = normal_numbers((5, 128))
    expected = np.stack([[reference(block, width) for block in row.reshape(-1, 32)] for row in x]).reshape(5, 128)
    assert np.array_equal(number_format(f"BFP[{width}|8]{{32}}(SN)").round(x), expected)


def test_the_step_comes_from_the_largest_number():
    numeric = BlockFloatingPoint(8, 4)
    x = np.float32([1.9999, 0.3, -0.0079, 0.0078])
    assert numeric.round(x).tolist() == [127 / 64, 19 / 64, -1 / 64, 0.0]


def test_a_shorter_last_block_is_a_block_of_its_own():
    x = normal_numbers((3, 10))
    numeric = BlockFloatingPoint(4, 8)
    parts = [numeric.round(x[:, :8]), numeric.round(x[:, 8:])]
    assert np.array_equal(numeric.round(x), np.concatenate(parts, axis=1))
    assert numeric.nbytes((3, 10)) == 6 + 15


def test_asymmetric_blocks_have_one_more_negative_number():
    x = np.float32([[-1.999, 1.0], [-1.9375, 1.0], [-1.93, 1.0]])
    assert BlockFloatingPoint(4, 2).round(x)[:, 0].tolist() == [-1.75, -1.75, -1.75]
    assert BlockFloatingPoint(4, 2, symmetric=False).round(x)[:, 0].tolist() == [-2.0, -2.0, -2.0]
    assert BlockFloatingPoint(4, 2, symmetric=False).round(np.float32([-1.87, 1]))[0] == -1.75


def test_directions():
    x = np.float32([1.0, 1.01, -1.01, 0.0])
    assert BlockFloatingPoint(8, 4, rounding="up").round(x).tolist() == [1.0, 65 / 64, -64 / 64, 0.0]
    assert BlockFloatingPoint(8, 4, rounding="down").round(x).tolist() == [1.0, 64 / 64, -65 / 64, 0.0]


def test_a_block_of_one_is_a_floating_point_number():
    x = normal_numbers((500,))
    assert np.array_equal(BlockFloatingPoint(8, 1).round(x), number_format("FP[1|8|6,127](_N)").round(x))
    assert BlockFloatingPoint(8, 1).round(np.float32([1.9999])) == 2.0
    data = BlockFloatingPoint(8, 1).encode(np.float32([1.9999, -3]))
    assert BlockFloatingPoint(8, 1).decode(data, (2,)).tolist() == [2.0, -3.0]


def test_huge_and_tiny_blocks_are_rounded_like_others():
    x = np.float32([1.5, -0.7, 0.01, 1.99])
    numeric = BlockFloatingPoint(8, 4)
    for exponent in (126, -118):
        assert np.array_equal(numeric.round(np.ldexp(x, exponent)), np.ldexp(numeric.round(x), exponent))


def test_a_block_with_nan_is_nan_and_says_so_in_its_exponent():
    x = np.float32([[1, np.nan], [1, 2]])
    numeric = BlockFloatingPoint(8, 2)
    assert np.array_equal(numeric.round(x), np.float32([[np.nan, np.nan], [1, 2]]), equal_nan=True)
    assert numeric.encode(x)[:2] == bytes([255, 127 + 1 - 6])


def test_codes_hold_exponents_and_then_integers():
    assert BlockFloatingPoint(8, 2).encode(np.float32([1, -0.5, 3, 0])) == bytes([121, 122, 64, 256 - 32, 96, 0])


@pytest.mark.parametrize(
    ("width", "size", "message"),
    [
        (26, 16, r"`width` must be in \[2, 25\], which float32 holds. Received: width=26."),
        (8, 0, r'A group must be "tensor", "channel" or a positive block size. Received: 0.'),
    ],
)
def test_impossible_formats_are_refused(width, size, message):
    with pytest.raises(ConfigError, match=message):
        BlockFloatingPoint(width, size)
