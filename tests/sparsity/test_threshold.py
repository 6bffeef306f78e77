"""Tests of thresholds; the vectors were computed by hand from the formulas."""

import numpy as np
import pytest
import tensorflow as tf

from source.config.errors import ConfigError
from source.sparsity.threshold import alpha_for_density, mean_std_threshold, surgery_mask, threshold_mask

W = np.float32([0.05, -0.1, 0.2, -0.35, 0.5, -0.62, 0.9, -1.3])  # mean |w| = 0.5025, std |w| = 0.40146
ON, OFF = np.ones(8, bool), np.zeros(8, bool)


def bits(mask) -> str:
    return "".join(str(int(each)) for each in np.asarray(mask))


@pytest.mark.parametrize(("alpha", "expected"), [(-0.5, 0.30177), (0.0, 0.5025), (0.5, 0.70323)])
def test_the_threshold_is_mean_and_standard_deviation(alpha, expected):
    assert float(mean_std_threshold(W, alpha)) == pytest.approx(expected, abs=5e-6)  # five decimals are given
    assert float(mean_std_threshold(W, tf.constant(alpha))) == float(mean_std_threshold(W, alpha))


@pytest.mark.parametrize(
    ("alpha", "from_on", "from_off"),
    [(-0.5, "00011111", "00011111"), (0.0, "00001111", "00000111"), (0.5, "00000011", "00000011")],
)
def test_surgery_keeps_what_is_between_the_factors(alpha, from_on, from_off):
    assert bits(surgery_mask(W, ON, alpha)) == from_on
    assert bits(surgery_mask(W, OFF, alpha)) == from_off


def test_surgery_splices_what_grew_and_prunes_what_shrank():
    mask = surgery_mask(W, ON, 0.0)
    grown = W.copy()
    grown[3] = -0.6
    assert bits(surgery_mask(grown, mask, 0.0)) == "00011111"
    assert bits(surgery_mask(W, mask, 0.0, on_factor=1.0, off_factor=1.0)) == bits(threshold_mask(W, 0.0)) == "00000111"


def test_a_threshold_below_zero_keeps_everything():
    assert bits(threshold_mask(W, -3.0)) == bits(surgery_mask(W, OFF, -3.0)) == "11111111"


# A fresh surgery mask keeps |w| > 0.9 t; of 10^6 normal and Laplacian numbers the share is known to 3 decimals.
@pytest.mark.parametrize(
    ("draw", "shares"),
    [
        ("normal", {-1: 0.861, -0.5: 0.655, -0.1: 0.507, 0: 0.473, 0.5: 0.323, 1: 0.207, 1.5: 0.126, 2: 0.071}),
        ("laplace", {-0.5: 0.638, -0.1: 0.445, 0: 0.407, 0.5: 0.259, 1: 0.165, 2: 0.067, 3: 0.027}),
    ],
)
def test_the_density_of_known_distributions(draw, shares):
    w = tf.constant(getattr(np.random.default_rng(0), draw)(size=200_000).astype(np.float32))
    for alpha, expected in shares.items():
        mask = surgery_mask(w, tf.ones(w.shape, "bool"), alpha)
        # Four standard deviations of a share of 200,000 draws, and the last decimal.
        assert np.mean(mask) == pytest.approx(expected, abs=0.0045 + 0.0005)


@pytest.mark.parametrize("compiled", [False, True], ids=["graph", "compiled"])
def test_graphs_make_the_same_masks(compiled):
    w = np.random.default_rng(1).normal(size=(3, 3, 16, 33)).astype(np.float32)
    run = tf.function(
        lambda w, mask, alpha: (mean_std_threshold(w, alpha), surgery_mask(w, mask, alpha), threshold_mask(w, alpha)),
        jit_compile=compiled,
        autograph=False,
    )
    mask = np.random.default_rng(2).random(w.shape) < 0.5
    for alpha in (-0.7, 0.1, 1.3):
        threshold, surgery, plain = run(w, mask, tf.constant(alpha))
        assert threshold == mean_std_threshold(w, alpha)
        assert np.array_equal(surgery, surgery_mask(w, mask, alpha))
        assert np.array_equal(plain, threshold_mask(w, alpha))


@pytest.mark.parametrize("density", [0.0, 0.009, 0.1, 0.35, 0.5, 0.9, 1.0])
def test_the_alpha_of_a_density_keeps_that_density(density):
    w = np.random.default_rng(3).normal(size=(25, 40)).astype(np.float32)
    kept = round(w.size * density)
    for alpha in (alpha_for_density(w, density), alpha_for_density(w, tf.constant(density))):
        mask = np.asarray(threshold_mask(w, alpha))
        assert mask.sum() == kept
        assert kept in (0, w.size) or np.abs(w[mask]).min() > np.abs(w[~mask]).max()


def test_the_alpha_of_a_density_in_a_graph():
    run = tf.function(alpha_for_density, jit_compile=True, autograph=False)
    assert bits(threshold_mask(W, run(W, tf.constant(0.375)))) == "00000111"


def test_equal_magnitudes_cannot_be_told_apart():
    alpha = alpha_for_density(np.float32([0.5, -0.5]), 0.5)
    assert np.isfinite(alpha)
    assert bits(threshold_mask(np.float32([0.5, -0.5]), alpha)) == "00"


def test_mistakes_are_refused():
    with pytest.raises(ConfigError, match=r"A threshold needs entries, and a known shape. Received: shape=\(0, 3\)."):
        mean_std_threshold(np.zeros((0, 3)), 0.0)
    with pytest.raises(ConfigError, match=r"A mask must have the shape of the weight, \(8,\). Received: \(4,\)."):
        surgery_mask(W, ON[:4], 0.0)
    with pytest.raises(ConfigError, match=r"`off_factor` must be positive and at most `on_factor`. Received: off_fac"):
        surgery_mask(W, ON, 0.0, on_factor=0.9, off_factor=1.1)
    with pytest.raises(ConfigError, match=r"`density` must be in \[0, 1\]. Received: density=2."):
        alpha_for_density(W, 2)
