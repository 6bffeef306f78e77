"""Tests that `normalize` brings to size and normalises, and does nothing else."""

import numpy as np
import pytest
import tensorflow as tf

from source.augmenter import normalize
from source.config.errors import ConfigError


def test_training_is_evaluation(images, keys):
    trained = normalize.augment_batch(images, 32, 32, is_training=True, keys=keys)
    np.testing.assert_array_equal(trained, images.astype(np.float32) * np.float32(1 / 255))
    np.testing.assert_array_equal(trained, normalize.preprocess(images, 32, 32))


def test_other_sizes_are_resized_or_cropped(images):
    resized = normalize.preprocess(images, 20, 40)
    expected = tf.image.resize(images, (20, 40), antialias=True) * (1.0 / 255.0)
    np.testing.assert_array_equal(resized, expected)
    cropped = normalize.build(normalize.Config(fit="crop_or_pad", normalization="none")).preprocess(images, 20, 34)
    np.testing.assert_array_equal(cropped, np.pad(images[:, 6:26], [(0, 0), (0, 0), (1, 1), (0, 0)]))


def test_an_unknown_fit_is_refused():
    with pytest.raises(ConfigError, match="fit: expected 'resize' or 'crop_or_pad'"):
        normalize.Config(fit="crop")
