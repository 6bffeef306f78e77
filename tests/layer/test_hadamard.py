"""Tests of the Walsh-Hadamard transform."""

import keras
import numpy as np
import pytest

from source.config.errors import ConfigError
from source.layer.hadamard import Hadamard, transform
from source.layer.load_model import load_model


def sylvester(size: int) -> np.ndarray:
    matrix = np.ones((1, 1), np.float32)
    while len(matrix) < size:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return matrix


def integers(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(-8, 9, shape).astype(np.float32)


@pytest.mark.parametrize("channels", [1, 2, 4, 8, 64])
def test_the_transform_is_the_product_with_the_matrix_of_sylvester(channels):
    x = integers(2, 3, 5, channels)
    np.testing.assert_array_equal(transform(x), x @ sylvester(channels))  # integers, so that sums are exact


def test_the_transform_of_the_transform_is_the_number_of_channels_times_what_came_in():
    x = integers(4, 16)
    np.testing.assert_array_equal(transform(transform(x)), 16 * x)


def test_a_layer_does_the_same_eagerly_in_a_graph_and_compiled():
    import tensorflow as tf

    x, layer = integers(2, 3, 3, 8), Hadamard()
    for run in (layer, tf.function(layer), tf.function(layer, jit_compile=True)):
        np.testing.assert_array_equal(run(tf.constant(x)), x @ sylvester(8))


def test_low_precision_is_left_for_the_sums_alone():
    x = np.full((1, 512), 1.0, np.float32)
    y = Hadamard(dtype="bfloat16")(x)
    assert y.dtype == "bfloat16"
    # In steps of bfloat16, 256 + 1 is 256.
    assert float(y[0, 0]) == 512.0 and not np.asarray(keras.ops.cast(y[0, 1:], "float32")).any()


def test_scales_are_multiplied_first_and_begin_near_the_root():
    layer = Hadamard(variable_scales=True)
    layer.build((None, 4))
    # Truncated at two deviations of 0.001.
    np.testing.assert_allclose(np.asarray(layer.scales), 0.5, atol=0.002)
    layer.scales.assign([1.0, 2.0, 3.0, 4.0])
    np.testing.assert_array_equal(layer(np.ones((1, 4), np.float32)), [[10.0, -2.0, -4.0, 0.0]])
    assert len(layer.trainable_weights) == 1
    assert Hadamard().weights == []


def test_gradients_are_transformed_back():
    import tensorflow as tf

    x = tf.constant(integers(2, 8))
    factor = integers(2, 8)
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(Hadamard()(x) * factor)
    np.testing.assert_array_equal(tape.gradient(loss, x), factor @ sylvester(8))


def test_a_saved_layer_is_the_same(tmp_path):
    inputs = keras.Input((None, None, 8))
    model = keras.Model(inputs, Hadamard(variable_scales=True, name="mixed")(inputs))
    model.save(tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras")
    x = integers(1, 2, 2, 8)
    np.testing.assert_array_equal(again(x), model(x))
    assert again.get_layer("mixed").get_config() == model.get_layer("mixed").get_config()
    assert model.output_shape == (None, None, None, 8)


@pytest.mark.parametrize("channels", [3, 12])
def test_channels_that_are_no_power_of_two_are_refused(channels):
    with pytest.raises(ConfigError, match=rf"mixed: channels must be a power of two.*Received: {channels} channels\."):
        Hadamard(name="mixed")(np.ones((1, channels), np.float32))
