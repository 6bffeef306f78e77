"""Tests of integers with a scale."""

import numpy as np
import pytest

from source.config.errors import ConfigError
from source.numeric import number_format
from source.numeric.integer import AffineInteger, SymmetricInteger
from tests.numeric.formats import normal_numbers


def test_symmetric_integers_end_at_the_largest_number():
    x = np.float32([[-1.27, 0.635, 0.0149, 0.0]])
    numeric = SymmetricInteger(8)
    step = np.float32(1.27) / np.float32(127)
    assert np.array_equal(numeric.round(x), np.float32([[-127, 64, 1, 0]]) * step)
    assert numeric.encode(x) == np.float32([step]).tobytes() + np.int8([-127, 64, 1, 0]).tobytes()


@pytest.mark.parametrize(
    ("group", "axis", "scales"), [("tensor", -1, 1), ("channel", -1, 70), ("channel", 0, 6), (32, -1, 18)]
)
def test_groups_have_a_scale_each(group, axis, scales):
    x = normal_numbers((6, 70))
    numeric = SymmetricInteger(4, group)
    assert numeric.nbytes(x.shape, axis) == 4 * scales + 210
    rounded = numeric.round(x, axis=axis)
    if group == "channel":
        columns, expected = (x, rounded) if axis == -1 else (x.T, rounded.T)
        for column, one in zip(columns.T, expected.T, strict=True):
            step = np.abs(column).max() / np.float32(7)
            assert np.array_equal(np.clip(np.rint(column * (np.float32(1) / step)), -7, 7) * step, one)


def test_affine_integers_hold_zero_and_both_ends():
    x = np.float32([-0.5, 0.0, 2.05, 1.0])
    numeric = AffineInteger(8)
    step = np.float32(2.55) / np.float32(255)
    assert np.allclose(numeric.round(x), x, atol=step / 2)
    assert numeric.round(x)[1] == 0.0
    assert numeric.encode(x)[4:] == bytes([50, 0, 50, 255, 150])


def test_affine_numbers_all_positive_start_at_zero():
    numeric = AffineInteger(4)
    assert numeric.encode(np.float32([15, 3, 7]))[4:] == bytes([0, 0x3F, 0x07])
    assert numeric.values().tolist() == list(range(16))


def test_wide_affine_integers_store_two_bytes_of_zero_point():
    assert AffineInteger(12, 32).nbytes((32,)) == 6 + 48
    assert AffineInteger(12, 32).bytes_per_element() == 1.5 + 6 / 32


def test_a_group_with_nan_is_nan():
    x = normal_numbers((4, 8))
    x[1, 2] = np.nan
    for name in ("int8<channel>", "uint8<channel>"):
        rounded = number_format(name).round(x)
        assert np.isnan(rounded[:, 2]).all()
        assert np.isnan(rounded).sum() == 4
        assert np.isnan(number_format(name).decode(number_format(name).encode(x), x.shape)).sum() == 4


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SymmetricInteger(17), r"`width` of integers must be in \[2, 16\]. Received: width=17."),
        (lambda: AffineInteger(1), r"`width` of integers must be in \[2, 16\]. Received: width=1."),
        (lambda: SymmetricInteger(8, "row"), r'A group must be "tensor", "channel" or .* Received: \'row\'.'),
    ],
)
def test_impossible_formats_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


@pytest.mark.parametrize("width", range(2, 17))
def test_the_largest_numbers_of_float32_stay_finite(width):
    largest = np.finfo(np.float32).max
    rounded = number_format(f"int{width}").round(np.array([np.inf, -np.inf, largest, 1.0], np.float32))
    assert np.isfinite(rounded).all()
    assert rounded[0] == rounded[2] == -rounded[1]
    if width >= 4:  # below, the scale is at its bound, 2^126
        np.testing.assert_allclose(rounded[0], largest, rtol=1e-6)  # the largest multiple that float32 can hold
