"""Tests that each kind of normalisation is its formula."""

import numpy as np
import pytest
import tensorflow as tf

from source.augmenter import _normalization
from source.config.errors import ConfigError

Config = _normalization.NormalizationConfig


def test_unit_and_symmetric_reach_the_ends_of_their_ranges_exactly():
    ends = tf.constant([0, 255], tf.uint8)[:, tf.newaxis, tf.newaxis, tf.newaxis]
    unit = _normalization.normalize(ends, Config(normalization="unit"))
    symmetric = _normalization.normalize(ends, Config(normalization="symmetric"))
    assert unit.numpy().ravel().tolist() == [0.0, 1.0]
    assert symmetric.numpy().ravel().tolist() == [-1.0, 1.0]


def test_none_only_converts(images: np.ndarray):
    result = _normalization.normalize(tf.constant(images), Config(normalization="none"))
    assert result.dtype == tf.float32
    np.testing.assert_array_equal(result, images)


def test_mean_std_subtracts_and_divides_by_channel(images: np.ndarray):
    config = Config(normalization="mean_std", mean=(1.0, 2.0, 3.0), std=(10.0, 20.0, 40.0))
    expected = (images.astype(np.float32) - np.float32([1, 2, 3])) * np.float32([1 / 10, 1 / 20, 1 / 40])
    np.testing.assert_array_equal(_normalization.normalize(tf.constant(images), config), expected)


def test_one_statistic_serves_all_channels():
    config = Config(normalization="mean_std", mean=(100.0,), std=(2.0,))
    result = _normalization.normalize(tf.fill((1, 2, 2, 4), 104.0), config)
    np.testing.assert_array_equal(result, np.full((1, 2, 2, 4), 2.0))


def test_per_image_gives_mean_zero_and_deviation_one(images: np.ndarray):
    result = _normalization.normalize(tf.constant(images), Config()).numpy()
    flat = images.reshape(len(images), -1).astype(np.float64)
    expected = (flat - flat.mean(1, keepdims=True)) / flat.std(1, keepdims=True)
    # Values up to 2: float32 rounds each of about ten additions and one product by 6e-8.
    np.testing.assert_allclose(result.reshape(len(images), -1), expected, atol=2e-6)
    reference = tf.image.per_image_standardization(tf.constant(images))
    np.testing.assert_allclose(result, reference, atol=2e-6)  # as above; TensorFlow adds in another order


def test_per_image_of_a_constant_image_is_zero():
    result = _normalization.normalize(tf.fill((2, 5, 5, 3), 77.0), Config())
    np.testing.assert_array_equal(result, np.zeros((2, 5, 5, 3)))


def test_per_image_has_a_least_deviation_of_one_over_the_root_of_the_size():
    values = np.zeros((1, 4, 4, 1), np.float32)
    values[0, 0, 0, 0] = 1e-3
    result = _normalization.normalize(tf.constant(values), Config()).numpy()
    assert result[0, 0, 0, 0] == pytest.approx(1e-3 * (15 / 16) * 4)


@pytest.mark.parametrize("name", ["mean", "std"])
def test_statistics_must_fit_the_channels(name: str):
    config = Config(**{"normalization": "mean_std", "mean": (1.0,), "std": (1.0,), name: (1.0, 2.0)})
    message = f"`{name}` must have one value, or one for each of the image's 3 channels. Received: {name}="
    with pytest.raises(ConfigError, match=message):
        _normalization.normalize(tf.zeros((1, 2, 2, 3)), config)


def test_statistics_must_be_usable():
    with pytest.raises(ConfigError, match=r"`std` must be positive. Received: std=\(1.0, 0.0\)"):
        Config(std=(1.0, 0.0))
    with pytest.raises(ConfigError, match=r"`mean` must be one value, or one for each channel. Received: mean=\(\)"):
        Config(mean=())
    with pytest.raises(ConfigError, match="normalization: expected 'per_image', 'mean_std'"):
        Config(normalization="imagenet")
