"""Tests of the search for grids."""

import numpy as np
import pytest

from source.exporter.container import grid


@pytest.mark.parametrize("most", [1, 7, 127, 2047, 32767])
def test_the_grid_of_rounded_channels_is_found(most):
    draw = np.random.default_rng(15)
    codes = draw.integers(-most, most + 1, (200, 6))
    codes[0] = most
    scale = draw.lognormal(size=6).astype(np.float32)
    weights = codes.astype(np.float32) * scale
    found = grid.scales(weights)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(grid.codes(weights, found).astype(np.float32) * found, weights)
    np.testing.assert_array_equal(grid.codes(weights, found), codes)


def test_codes_are_as_small_as_they_can_be():
    weights = np.float32([[6.0], [-4.0], [0.0]])
    assert grid.scales(weights).tolist() == [2.0]


def test_a_channel_of_zeros_has_scale_one():
    assert grid.scales(np.zeros((4, 2), np.float32)).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_what_is_not_finite_lies_on_no_grid(value):
    assert grid.scales(np.float32([[value], [1.0]])) is None


def test_random_floats_lie_on_no_grid():
    assert grid.scales(np.random.default_rng(16).normal(size=(50, 2)).astype(np.float32)) is None


def test_one_bit_beside_the_grid_is_no_grid():
    weights = np.arange(-7, 8).astype(np.float32)[:, np.newaxis] * np.float32(0.037)
    assert grid.scales(weights) is not None
    weights[3] = np.nextafter(weights[3], np.float32(0))
    assert grid.scales(weights) is None


def test_subnormal_scales_are_found():
    weights = np.arange(-3, 4).astype(np.float32)[:, np.newaxis] * np.float32(1e-44)
    np.testing.assert_array_equal(grid.codes(weights, grid.scales(weights))[:, 0], np.arange(-3, 4))
