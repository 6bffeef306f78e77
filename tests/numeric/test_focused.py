"""Tests of focused quantization."""

import numpy as np
import pytest
from keras import ops

from source.config.errors import ConfigError
from source.numeric import _mixture, number_format
from source.numeric.focused import Focus, Focused

# The worked example of the paper's poster, in units of 1/128.
BEFORE = np.float32([[0, -3.81, 1.50], [5.63, 0, -5.69], [4.54, -3.13, 2.44]])
AFTER = [[0, -3.75, 2], [6, 0, -6], [4.5, -3, 2]]


def pruned(share: float, seed: int = 0) -> np.ndarray:
    x = np.random.default_rng(seed).normal(size=(100, 80)).astype(np.float32)
    return np.where(np.abs(x) < np.quantile(np.abs(x), share), np.float32(0.0), x)


def mixture_in_double_precision(x: np.ndarray, rounds: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Returns means, deviations and separation by textbook expectation and maximization."""
    v = x[x != 0].astype(np.float64)
    positive = (v > 0).astype(np.float64)
    for turn in range(rounds + 1):
        parts = np.stack([1 - positive, positive])
        total = parts.sum(axis=1)
        means = parts @ v / total
        deviations = np.sqrt((parts * np.square(v - means[:, np.newaxis])).sum(axis=1) / total)
        costs = np.square((v - means[:, np.newaxis]) / deviations[:, np.newaxis]) / 2
        costs += np.log(deviations / total)[:, np.newaxis]
        positive = 1 / (1 + np.exp(np.clip(costs[1] - costs[0], -50, 50))) if turn < rounds else positive
    return means, deviations, (np.square(np.diff(means)) + np.square(np.diff(deviations))).item() / v.var()


def test_golden_vector():
    numeric = Focused(5)
    # Means -4 and 4 and deviations 1; powers up to 2 as 2.50 rounds to it.
    focus = Focus(
        split=ops.convert_to_tensor(True),
        means=ops.convert_to_tensor(np.float32([-4, 4])),
        steps=ops.convert_to_tensor(np.float32([2, 2])),
        scale=ops.convert_to_tensor(np.float32([4])),
        positive_bins=ops.convert_to_tensor(np.arange(2 * _mixture.BINS) >= _mixture.BINS),
    )
    rounded = np.asarray(numeric.round_fitted(ops.convert_to_tensor(BEFORE), focus))
    assert rounded.tolist() == AFTER


@pytest.mark.parametrize("x", [pruned(0.0), pruned(0.5), pruned(0.9), pruned(0.5) * 1e-3 + 0.0, np.abs(pruned(0.3))])
def test_the_mixture_is_that_of_the_textbook(x):
    x = x.astype(np.float32)
    if (x >= 0).all():
        x[0] *= -1
    found = _mixture.fit(ops.convert_to_tensor(x), ops.convert_to_tensor(x != 0))
    means, deviations, separation = mixture_in_double_precision(x, rounds=20)
    # Bins are 1/256 of the power of two below the largest number; twenty rounds add up.
    np.testing.assert_allclose(np.asarray(found.means), means, atol=0.01 * np.abs(x).max())
    np.testing.assert_allclose(np.asarray(found.deviations), deviations, atol=0.01 * np.abs(x).max())
    assert bool(found.separated) == (separation >= 2.0)


def test_numbers_far_apart_are_rounded_about_two_means():
    numeric, x = Focused(5), pruned(0.8)
    focus = numeric.fit(ops.convert_to_tensor(x))
    assert bool(focus.split)
    above = np.where(x > 0, 1, 0)
    means, steps = (np.asarray(each)[above] for each in (focus.means, focus.steps))
    expected = np.where(x == 0, 0, number_format("pow2<4>").round((x - means) / steps) * steps + means)
    np.testing.assert_allclose(numeric.round(x), expected, rtol=3e-7)  # a product with the reciprocal is no quotient
    shift = np.square(number_format("inq<5>").round(x) - x).mean()
    assert np.square(numeric.round(x) - x).mean() < shift / 5


def test_numbers_of_one_heap_are_powers_of_two():
    numeric, x = Focused(5), pruned(0.0)
    focus = numeric.fit(ops.convert_to_tensor(x))
    assert not bool(focus.split)
    assert np.asarray(focus.means).tolist() == [0, 0]
    power = np.log2(np.asarray(focus.steps)).tolist()
    assert power == [1, 1]
    assert np.array_equal(numeric.round(x), number_format("pow2<5,1>").round(x))


@pytest.mark.parametrize("width", [3, 4, 5, 6, 7])
def test_few_enough_numbers_round_beyond_the_largest_power(width):
    x = pruned(0.0)
    step = np.asarray(Focused(width).fit(ops.convert_to_tensor(x)).steps)[0]
    allowed = x.size // (2**width + 1)
    assert (np.abs(x) >= 1.5 * step).sum() <= allowed < (np.abs(x) >= 0.75 * step).sum()


@pytest.mark.parametrize("x", [pruned(0.0), pruned(0.7)], ids=["one", "two"])
@pytest.mark.parametrize("width", [3, 5, 7])
def test_codes_take_the_width(width, x):
    numeric = Focused(width)
    data = numeric.encode(x)
    assert len(data) == 17 + x.size * width // 8
    assert np.array_equal(numeric.decode(data, x.shape), numeric.round(x))


def test_components_may_be_kept():
    numeric, x = Focused(5), pruned(0.7)
    focus = numeric.fit(ops.convert_to_tensor(x))
    assert np.array_equal(np.asarray(numeric.round_fitted(ops.convert_to_tensor(x), focus)), numeric.round(x))
    other = numeric.round_fitted(ops.convert_to_tensor(x * 3), focus)  # most are now too large
    assert np.abs(np.asarray(other)).max() <= np.abs(numeric.round(x)).max()


@pytest.mark.parametrize("x", [np.zeros(5), np.full(5, 0.3), np.asarray([0.0, -2.0]), np.asarray([1.7e38, -1.7e38])])
def test_few_numbers(x):
    rounded = Focused(5).round(x.astype(np.float32))
    np.testing.assert_allclose(rounded, x, rtol=0.02)  # the centre of a bin stands for its numbers


@pytest.mark.parametrize("width", [2, 8])
def test_impossible_formats_are_refused(width):
    with pytest.raises(ConfigError, match=rf"`width` must be in \[3, 7\]. Received: width={width}."):
        Focused(width)
