"""Tests of `source.layer.batch_normalized`."""

import keras
import numpy as np
import pytest
from keras import layers

from source.layer.batch_normalized import BatchNormalized
from source.layer.compressed import Compressed
from source.layer.fake_quantize import FakeQuantize

LINEAR = {
    "dense": (lambda: layers.Dense(4, name="linear"), (5,)),
    "convolution": (lambda: layers.Conv2D(4, 3, name="linear"), (6, 6, 3)),
    "without bias": (lambda: layers.Conv2D(4, 3, use_bias=False, name="linear"), (6, 6, 3)),
    "depthwise": (lambda: layers.DepthwiseConv2D(3, depth_multiplier=2, name="linear"), (6, 6, 3)),
}


def both(kind: str, **normalization) -> tuple[BatchNormalized, np.ndarray]:
    """Returns a built pair whose statistics and parameters are random, and a batch for it."""
    make, shape = LINEAR[kind]
    linear, norm = make(), layers.BatchNormalization(name="norm", **normalization)
    x = np.random.normal(size=(16, *shape)).astype(np.float32)
    norm(linear(x))
    for weight in norm.weights:
        weight.assign(np.random.uniform(0.5, 2.0, weight.shape))
    return BatchNormalized(linear, norm), x


@pytest.mark.parametrize("kind", LINEAR)
def test_inference_is_that_of_the_two_layers(kind):
    layer, x = both(kind)
    expected = layer.normalization(layer.linear(x), training=False)
    np.testing.assert_array_equal(layer(x, training=False), expected)


@pytest.mark.parametrize("kind", LINEAR)
def test_training_is_that_of_the_two_layers(kind):
    layer, x = both(kind)
    before = [weight.numpy() for weight in layer.normalization.weights]
    expected = layer.normalization(layer.linear(x), training=True).numpy()
    moved = [weight.numpy() for weight in layer.normalization.weights]
    for weight, value in zip(layer.normalization.weights, before, strict=True):
        weight.assign(value)
    # Two ways to write the same float32 formulas: a few units in the last place.
    np.testing.assert_allclose(layer(x, training=True), expected, rtol=1e-5, atol=1e-5)
    for weight, value in zip(layer.normalization.weights, moved, strict=True):
        np.testing.assert_allclose(weight, value, rtol=1e-6)


@pytest.mark.parametrize("kind", LINEAR)
def test_folded_is_one_layer_with_the_same_outputs(kind):
    layer, x = both(kind)
    [path] = [each for each in ("kernel",) if layer.channel_scale(each) is not None]
    plain = layer.folded(layer.linear.kernel * layer.channel_scale(path))
    assert type(plain) is type(layer.linear)
    # Folding reorders float32 products: errors of some 2^-24 of sums of up to 27 terms.
    np.testing.assert_allclose(plain(x), layer(x, training=False), rtol=1e-4, atol=1e-4)


def test_the_scale_is_gamma_over_the_deviation_for_each_channel():
    layer, _ = both("convolution", epsilon=0.25)
    norm = layer.normalization
    expected = norm.gamma.numpy() / np.sqrt(norm.moving_variance.numpy() + 0.25)
    np.testing.assert_allclose(layer.channel_scale("kernel"), expected.reshape(1, 1, 1, 4), rtol=1e-6)
    assert layer.channel_scale("norm/gamma") is None
    assert layer.channel_scale("bias") is None


def test_a_channel_that_is_switched_off_has_scale_one_and_folds_to_zero():
    layer, x = both("dense")
    layer.normalization.gamma.assign([0.0, 1.0, 1.0, 1.0])
    assert float(layer.channel_scale("kernel")[0, 0]) == 1.0
    np.testing.assert_array_equal(layer(x, training=False)[:, 0], np.full(16, layer.normalization.beta[0]))


def test_frozen_statistics_neither_move_nor_see_the_batch():
    layer, x = both("convolution")
    layer.frozen.assign(1.0)
    before = layer.normalization.moving_mean.numpy()
    # Written out by `ops.batch_normalization` here and by Keras' layer there: the last bits may differ.
    np.testing.assert_allclose(layer(x, training=True), layer(x, training=False), rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(layer.normalization.moving_mean, before)


def test_kernels_are_rounded_as_they_are_stored_in_the_end():
    layer, x = both("convolution")
    wrapper = Compressed(layer, weights={"kernel": [FakeQuantize("BFP[4|8]{8}(SN)", axis=-2)]})
    scale = layer.channel_scale("kernel")
    seen = wrapper.seen_weight("kernel")
    expected = FakeQuantize("BFP[4|8]{8}(SN)", axis=-2)(layer.linear.kernel * scale)
    np.testing.assert_array_equal(seen, expected)
    # The wrapper divides by the scale what normalization multiplies by it again.
    np.testing.assert_allclose(wrapper(x, training=False), layer.folded(seen)(x), rtol=1e-4, atol=1e-4)


def test_it_is_saved_and_loaded_with_its_weights(tmp_path):
    layer, x = both("convolution")
    inputs = keras.Input(x.shape[1:])
    model = keras.Model(inputs, layer(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(x), model(x))
    assert [weight.path for weight in loaded.weights] == [weight.path for weight in model.weights]


def test_a_normalization_that_is_not_trained_stays_in_inference():
    layer, x = both("dense")
    layer.normalization.trainable = False
    np.testing.assert_array_equal(layer(x, training=True), layer(x, training=False))
