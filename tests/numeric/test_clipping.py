"""Tests of cutting off the largest numbers."""

import numpy as np
import pytest
import tensorflow as tf

from source.config.errors import ConfigError, DataError
from source.numeric import number_format
from source.numeric.clipping import ClippingRatio, best_limits, clip_groups, round_clipped
from tests.numeric.formats import NAMES

X = np.float32([[1.0, -4.0, 2.0, 8.0, -16.0], [0.1, 0.2, 0.4, -0.8, 0.3]])


def error(numeric, rounded, x):
    return np.square(rounded.astype(np.float64) - x).sum()


@pytest.mark.parametrize(
    ("group", "axis", "limits"),
    [
        ("tensor", -1, [[8] * 5, [8] * 5]),
        ("channel", 0, [[8] * 5, [0.4] * 5]),
        ("channel", 1, [[0.5, 2, 1, 4, 8]] * 2),
        (2, 1, [[2, 2, 4, 4, 8], [0.1, 0.1, 0.4, 0.4, 0.15]]),
        (2, 0, [[0.5, 2, 1, 4, 8]] * 2),
    ],
)
def test_groups_are_clipped_at_a_share_of_their_largest_number(group, axis, limits):
    limits = np.float32(limits)
    assert np.array_equal(clip_groups(X, 0.5, axis, group), np.clip(X, -limits, limits))
    assert np.array_equal(clip_groups(X, 1.0, axis, group), X)


@pytest.mark.parametrize("name", NAMES)
def test_every_format_rounds_what_was_clipped(name):
    numeric = number_format(name)
    expected = numeric.round(clip_groups(X, 0.75, 0, numeric.sharing), axis=0)
    assert np.array_equal(round_clipped(numeric, X, 0.75, axis=0), expected, equal_nan=True)


def test_nan_and_infinity():
    clipped = clip_groups(np.float32([[np.nan, 1.0], [np.inf, 1.0]]), 0.5, 0, "channel")
    assert np.isnan(clipped[0]).all()
    assert clipped[1].tolist() == [float(np.finfo(np.float32).max) / 2, 1.0]


@pytest.mark.parametrize("compiled", [False, True])
def test_in_a_graph(compiled):
    numeric = number_format("mxfp4{4}")
    rounded = tf.function(lambda x, ratio: round_clipped(numeric, x, ratio), jit_compile=compiled)
    assert np.array_equal(rounded(tf.constant(X), tf.constant(0.7)), round_clipped(numeric, X, np.float32(0.7)))


def test_each_block_has_its_own_limit():
    numeric = number_format("int2<4>")
    x = np.float32([[1.0, 1.0, 1.0, 1.8, 0.3, -0.3, 0.3, -0.3]])
    limits = best_limits(numeric, x)
    # All four become the limit, best at their mean 1.2; of the fortieths of 1.8 the nearest is 27.
    assert limits[0, :4].tolist() == [np.float32(1.8) * np.float32(27 / 40)] * 4
    assert limits[0, 4:].tolist() == [np.float32(0.3)] * 4


@pytest.mark.parametrize("name", ["mxfp4", "BFP[4|8]{16}(SN)", "nvfp4", "int4<32>", "int4<channel>", "nf4", "ternary"])
@pytest.mark.parametrize("axis", [0, -1])
def test_the_best_limits_never_err_more(name, axis):
    numeric = number_format(name)
    x = np.random.default_rng(0).standard_t(4, size=(70, 50)).astype(np.float32)
    limits = best_limits(numeric, x, axis)
    clipped = error(numeric, numeric.round(np.clip(x, -limits, limits), axis), x)
    assert clipped <= error(numeric, numeric.round(x, axis), x)
    ratio = ClippingRatio(numeric, axis)
    ratio.observe(x)
    common = error(numeric, round_clipped(numeric, x, ratio.ratio(), axis), x)
    assert clipped <= common or name == "ternary"
    if name in ("int4<32>", "int4<channel>"):
        assert clipped < 0.95 * error(numeric, numeric.round(x, axis), x)


def test_the_ratio_is_that_of_all_batches():
    numeric = number_format("int4")
    batches = [np.random.default_rng(seed).laplace(size=(20, 30)).astype(np.float32) for seed in range(3)]
    observer = ClippingRatio(numeric, candidates=10)
    for batch in batches:
        observer.observe(batch)
    shares = 1.0 - np.arange(10) / 20
    sums = [sum(error(numeric, round_clipped(numeric, x, share), x) for x in batches) for share in shares]
    assert observer.ratio() == shares[np.argmin(sums)] < 1.0


@pytest.mark.parametrize("bad", [np.zeros(0), np.asarray([1.0, np.inf])])
def test_limits_are_searched_for_finite_numbers(bad):
    with pytest.raises(DataError, match=r"A search for limits needs finite numbers, at least one. Received: shape="):
        best_limits(number_format("mxfp4"), bad)


def test_an_axis_that_is_not_there_is_refused():
    with pytest.raises(ConfigError, match=r"`axis` must be in \[-2, 2\) for 2 axes. Received: axis=2."):
        best_limits(number_format("mxfp4"), X, axis=2)
