"""Tests of the basic residual block and its shortcuts."""

import keras
import numpy as np
import pytest

from source.network import _basic_block
from source.network._convolution import ConvolutionStyle


def block(channels, filters, stride, shortcut):
    inputs = keras.Input((5, 6, channels))
    style = ConvolutionStyle(padding="symmetric")
    x = _basic_block.basic_block(inputs, filters, "block", style, stride=stride, shortcut=shortcut)
    return keras.Model(inputs, x)


def without_residual(model):
    """Returns the model after its residual branch is made to add nothing."""
    norm = model.get_layer("block_norm2")
    gamma, *others = norm.get_weights()
    norm.set_weights([np.zeros_like(gamma), *others])
    return model


@pytest.mark.parametrize("shortcut", ["A", "B"])
def test_where_shape_stays_the_shortcut_is_the_identity(shortcut):
    model = without_residual(block(3, 3, 1, shortcut))
    x = np.random.default_rng(0).normal(size=(2, 5, 6, 3)).astype("float32")
    assert np.array_equal(model.predict(x, verbose=0), np.maximum(x, 0))
    assert not any("shortcut" in layer.name for layer in model.layers)


def test_shortcut_a_subsamples_and_adds_zeros_on_both_sides():
    model = without_residual(block(3, 6, 2, "A"))
    x = np.random.default_rng(0).uniform(size=(2, 5, 6, 3)).astype("float32")
    expected = np.pad(x[:, ::2, ::2], ((0, 0), (0, 0), (0, 0), (1, 2)))
    assert np.array_equal(model.predict(x, verbose=0), expected)


def test_shortcut_a_has_no_weights():
    names = {weight.path.split("/")[0] for weight in block(3, 6, 2, "A").weights}
    assert names == {"block_conv1", "block_norm1", "block_conv2", "block_norm2"}


def test_shortcut_b_is_a_strided_projection_with_normalisation():
    model = block(3, 6, 2, "B")
    projection = model.get_layer("block_shortcut_conv")
    assert (projection.kernel.shape, projection.strides) == ((1, 1, 3, 6), (2, 2))
    assert isinstance(model.get_layer("block_shortcut_norm"), keras.layers.BatchNormalization)
    assert model.output_shape == (None, 3, 3, 6)
