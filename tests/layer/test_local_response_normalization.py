"""Tests of local response normalization."""

import keras
import numpy as np
import pytest

from source.config.errors import ConfigError
from source.layer.load_model import load_model
from source.layer.local_response_normalization import LocalResponseNormalization


def test_a_number_is_divided_by_the_squares_around_it():
    x = np.array([[[[1.0, 2.0, 3.0, 4.0]]]], np.float32)
    layer = LocalResponseNormalization(depth_radius=1, bias=1.0, alpha=1.0, beta=1.0)
    # 1 + 1 + 4, 1 + 1 + 4 + 9, 1 + 4 + 9 + 16, 1 + 9 + 16
    expected = x / np.array([6.0, 15.0, 30.0, 26.0], np.float32)
    # A power of -1 and a product round once more than a division.
    np.testing.assert_allclose(layer(x), expected, rtol=2e-7)


@pytest.mark.parametrize("depth_radius", [1, 2, 9])
def test_it_is_that_of_tensorflow(depth_radius):
    import tensorflow as tf

    x = np.random.default_rng(0).normal(size=(2, 3, 3, 7)).astype(np.float32)
    settings = {"depth_radius": depth_radius, "bias": 2.0, "alpha": 0.5, "beta": 0.75}
    expected = tf.nn.local_response_normalization(x, **settings)
    # float32 powers of two implementations.
    np.testing.assert_allclose(LocalResponseNormalization(**settings)(x), expected, rtol=1e-6)


def test_it_keeps_shape_and_precision():
    layer = LocalResponseNormalization(dtype="bfloat16")
    assert layer(np.ones((1, 2, 2, 4), np.float32)).dtype == "bfloat16"
    assert layer(keras.Input((None, None, 4))).shape == (None, None, None, 4)


def test_a_saved_layer_is_the_same(tmp_path):
    inputs = keras.Input((2, 2, 6))
    settings = {"depth_radius": 2, "bias": 1.5, "alpha": 0.25, "beta": 0.75}
    model = keras.Model(inputs, LocalResponseNormalization(**settings, name="norm")(inputs))
    model.save(tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras").get_layer("norm")
    assert {name: getattr(again, name) for name in settings} == settings


def test_impossible_settings_are_refused():
    message = r"`depth_radius` must be at least 1, `bias` positive. Received: depth_radius=0, bias=1.0\."
    with pytest.raises(ConfigError, match=message):
        LocalResponseNormalization(depth_radius=0)
