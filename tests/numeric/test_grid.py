"""Tests of grids found in numbers."""

import numpy as np
import pytest

from source.config.errors import ConfigError
from source.numeric.grammar import number_format
from source.numeric.grid import channel_grid

SHAPES = [
    ((5, 4), -1, (1, 4)),
    ((3, 3, 2, 4), (2, 3), (1, 1, 2, 4)),
    ((3, 2, 5, 4), 2, (1, 1, 5, 1)),
    ((6, 7), (), (1, 1)),
]


def _random(shape, kept, bits, seed=0):
    random = np.random.default_rng(seed)
    highest = (1 << (bits - 1)) - 1
    codes = random.integers(-highest, highest + 1, shape)
    return codes, random.lognormal(-3.0, 2.0, kept).astype(np.float32)


def test_codes_and_scales_of_a_tensor_by_hand():
    weight = np.array([[0.5, -3.0, 0.0], [-0.25, 9.0, 0.0], [1.75, 0.0, 0.0]], np.float32)
    codes, scales = channel_grid(weight)
    assert codes.dtype == np.int32 and scales.dtype == np.float32
    assert np.array_equal(codes, [[2, -1, 0], [-1, 3, 0], [7, 0, 0]])
    assert np.array_equal(scales, [[0.25, 3.0, 1.0]])


@pytest.mark.parametrize("bits", [2, 3, 4, 8, 11])
@pytest.mark.parametrize(("shape", "axis", "kept"), SHAPES)
def test_numbers_made_of_codes_and_scales_come_back(shape, axis, kept, bits):
    codes, scales = _random(shape, kept, bits)
    weight = codes.astype(np.float32) * scales
    found, steps = channel_grid(weight, axis, bits)
    assert steps.shape == kept and (steps > 0).all()
    assert np.array_equal(found.astype(np.float32) * steps, weight)
    assert (np.abs(found) <= np.abs(codes)).all()


@pytest.mark.parametrize("name", ["int8<channel>", "int4<channel>", "ternary<channel>", "int6"])
def test_what_formats_round_to_is_found(name):
    weight = np.random.default_rng(1).normal(size=(40, 6)).astype(np.float32)
    rounded = np.asarray(number_format(name).round(weight, axis=-1))
    found, steps = channel_grid(rounded, -1, 8)
    assert np.array_equal(found.astype(np.float32) * steps, rounded)


def test_the_coarsest_scale_is_returned():
    weight = np.array([[12.0], [-4.0], [0.0]], np.float32)
    codes, scales = channel_grid(weight)
    assert codes.ravel().tolist() == [3, -1, 0] and scales.item() == 4.0


def test_a_width_that_is_too_small_finds_nothing():
    weight = np.array([[4.0], [1.0]], np.float32)
    assert channel_grid(weight, bits=3) is None
    codes, _ = channel_grid(weight, bits=4)
    assert codes.ravel().tolist() == [4, 1]


def test_one_channel_without_a_grid_is_enough_for_none():
    codes, scales = _random((64, 8), (1, 8), 8)
    weight = codes.astype(np.float32) * scales
    weight[40, 5] = np.nextafter(weight[40, 5], np.float32(np.inf))
    assert channel_grid(weight) is None
    assert channel_grid(weight[:, :5]) is not None


def test_numbers_that_were_never_rounded_have_no_grid():
    weight = np.random.default_rng(2).normal(size=(50, 7)).astype(np.float32)
    assert channel_grid(weight) is None
    assert channel_grid(weight, (), 16) is None


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_numbers_that_are_not_finite_have_no_grid(number):
    assert channel_grid(np.array([[number, 1.0]], np.float32)) is None


def test_the_ends_of_float32_are_handled():
    weight = np.array([[np.finfo(np.float32).max, 2.0**-149], [0.0, 2.0**-148]], np.float32)
    codes, scales = channel_grid(weight)
    assert codes.tolist() == [[1, 1], [0, 2]]
    assert np.array_equal(scales, weight[:1])


def test_no_numbers_have_a_grid():
    codes, scales = channel_grid(np.zeros((0, 3), np.float32))
    assert codes.shape == (0, 3) and np.array_equal(scales, np.ones((1, 3)))


def test_many_channels_are_tried_in_parts(monkeypatch):
    monkeypatch.setattr("source.numeric.grid._CANDIDATES", 1)
    codes, scales = _random((30, 5), (1, 5), 4, seed=3)
    found, steps = channel_grid(codes.astype(np.float32) * scales, bits=4)
    assert np.array_equal(found, codes) and np.array_equal(steps, scales)


@pytest.mark.parametrize("bits", [1, 17])
def test_other_widths_are_refused(bits):
    with pytest.raises(ConfigError, match=rf"`bits` must be in \[2, 16\]. Received: bits={bits}\."):
        channel_grid(np.ones((2, 2)), bits=bits)
