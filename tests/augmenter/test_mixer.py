"""Tests what mixers share: partners, shares, soft labels, and what they refuse."""

import math

import numpy as np
import pytest
import tensorflow as tf

from source.augmenter import _mixer, mixup, random_key
from source.config.errors import ConfigError


def test_partners_are_a_permutation_in_which_every_example_goes_everywhere():
    size, batches = 4, 2400
    keys = random_key.fold(3, 0, tf.reshape(tf.range(size * batches), (batches, size)))
    partners = np.stack([_mixer.random_partners(batch) for batch in keys])
    np.testing.assert_array_equal(np.sort(partners, axis=1), np.tile(np.arange(size), (batches, 1)))
    codes = partners @ np.array([64, 16, 4, 1])
    counts = np.unique(codes, return_counts=True)[1]
    assert len(counts) == math.factorial(size)
    expected = batches / len(counts)
    assert np.sum((counts - expected) ** 2 / expected) < 49.7  # 99.9 % of chi-squared, 23 degrees of freedom


@pytest.mark.parametrize("alpha", [0.2, 1.0, 3.0])
def test_shares_have_the_moments_of_the_beta_distribution(alpha):
    count = 20_000
    shares = _mixer.random_beta(random_key.fold(1, 2, 3), 0, alpha, count).numpy().astype(np.float64)
    assert shares.shape == (count,) and shares.min() >= 0 and shares.max() <= 1
    variance = 1 / (4 * (2 * alpha + 1))
    # Four standard errors; the fourth central moment of a variable on [0, 1] is at most variance / 4.
    assert abs(shares.mean() - 0.5) < 4 * np.sqrt(variance / count)
    assert abs(shares.var() - variance) < 4 * np.sqrt(variance / 4 / count)


def test_labels_become_rows_of_probabilities():
    np.testing.assert_array_equal(_mixer.soft_labels(tf.constant([2, 0]), 3), [[0, 0, 1], [1, 0, 0]])
    rows = tf.constant([[0.25, 0.75]], tf.float64)
    np.testing.assert_array_equal(_mixer.soft_labels(rows, 2), [[0.25, 0.75]])
    assert _mixer.soft_labels(rows, 2).dtype == tf.float32


@pytest.mark.parametrize("labels", [tf.constant([1.0]), tf.constant([[1, 2]]), tf.constant([[0.5, 0.5, 0.0]])])
def test_labels_of_another_shape_are_refused(labels):
    with pytest.raises(ConfigError, match=r"Labels must be integers of shape \(b,\) or floats of shape \(b, 2\)"):
        _mixer.soft_labels(labels, 2)


def test_images_and_keys_of_another_shape_are_refused(keys):
    images, labels = tf.zeros((12, 4, 4, 3)), tf.zeros(12, tf.int32)
    with pytest.raises(ConfigError, match=r"Images must have the shape \(b, h, w, c\). Received: shape=\(4, 4, 3\)"):
        mixup.augment_batch_labels(images[0], labels, keys, 10)
    with pytest.raises(ConfigError, match=r"`keys` must be uint64 of rank 1, .* Received: dtype=int32, shape=\(12,\)"):
        mixup.augment_batch_labels(images, labels, tf.zeros(12, tf.int32), 10)


def test_impossible_settings_are_refused():
    with pytest.raises(ConfigError, match=r"`alpha` must be positive. Received: alpha=0.0"):
        mixup.Config(alpha=0.0)
    with pytest.raises(ConfigError, match=r"`probability` must be from 0 to 1. Received: probability=1.5"):
        mixup.Config(probability=1.5)


def test_probability_decides_whether_a_batch_is_mixed():
    mixer = mixup.build(mixup.Config(alpha=1.0, probability=0.5))
    images = tf.reshape(tf.range(4, dtype=tf.float32), (4, 1, 1, 1))
    labels = tf.range(4)
    for batch in range(12):
        keys = random_key.fold(batch, 0, tf.range(4))
        mixed, soft = mixer.augment_batch_labels(images, labels, keys, 4)
        applied = float(random_key.uniform(keys[0], _mixer._APPLY)) < 0.5
        unchanged = np.array_equal(mixed, images) and np.array_equal(soft, np.eye(4))
        assert unchanged is not applied
