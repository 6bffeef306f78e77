"""Tests of the pieces that convolutional networks are made of."""

import keras
import numpy as np
import pytest

from source.network import _convolution
from source.network._convolution import ConvolutionStyle


def ones_kernel(size, stride, kernel_size=3, **style):
    """Returns what a convolution by ones gives on an image of ones: at each pixel, how many it saw."""
    inputs = keras.Input((size, size, 1))
    x = _convolution.convolve(inputs, 1, kernel_size, "conv", ConvolutionStyle(**style), stride=stride)
    model = keras.Model(inputs, x)
    model.get_layer("conv").set_weights([np.ones((*model.get_layer("conv").kernel.shape,))])
    return model.predict(np.ones((1, size, size, 1)), verbose=0)[0, :, :, 0], model


def test_symmetric_padding_pads_before_the_first_pixel():
    seen, model = ones_kernel(4, stride=2, padding="symmetric")
    assert seen.tolist() == [[4, 6], [6, 9]]
    assert [layer.name for layer in model.layers][1:] == ["conv_pad", "conv"]


def test_same_padding_pads_after_the_last_pixel_at_even_size():
    seen, model = ones_kernel(4, stride=2, padding="same")
    assert seen.tolist() == [[9, 6], [6, 4]]
    assert [layer.name for layer in model.layers][1:] == ["conv"]


@pytest.mark.parametrize(("stride", "kernel_size"), [(1, 3), (2, 1), (1, 7)])
def test_both_paddings_are_one_layer_where_they_agree(stride, kernel_size):
    symmetric, model = ones_kernel(8, stride, kernel_size, padding="symmetric")
    same, _ = ones_kernel(8, stride, kernel_size, padding="same")
    assert np.array_equal(symmetric, same)
    assert len(model.layers) == 2


@pytest.mark.parametrize("size", [7, 8])
def test_both_paddings_give_the_same_shape(size):
    assert ones_kernel(size, 2, padding="symmetric")[0].shape == ones_kernel(size, 2, padding="same")[0].shape


def test_an_oblong_kernel_is_padded_by_its_halves():
    seen, _ = ones_kernel(4, 2, (1, 3), padding="symmetric")
    assert seen.tolist() == [[2, 3], [2, 3]]


def test_a_unit_is_convolution_normalisation_and_relu():
    inputs = keras.Input((4, 4, 2))
    style = ConvolutionStyle(momentum=0.7, epsilon=1e-4)
    x = _convolution.convolve_normalize_relu(inputs, 5, 3, "stage1", style, index=2, valid=True)
    model = keras.Model(inputs, x)
    assert [layer.name for layer in model.layers][1:] == ["stage1_conv2", "stage1_norm2", "stage1_relu2"]
    norm = model.get_layer("stage1_norm2")
    assert (norm.momentum, norm.epsilon, norm.scale, norm.center) == (0.7, 1e-4, True, True)
    assert not model.get_layer("stage1_conv2").use_bias
    assert model.output_shape == (None, 2, 2, 5)


def test_weights_begin_he_normal():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 64))
    model = keras.Model(inputs, _convolution.convolve(inputs, 128, 3, "conv", ConvolutionStyle()))
    # 73,728 draws: the deviation of the estimate is 0.3 %.
    assert np.std(model.get_weights()[0]) == pytest.approx((2 / (9 * 64)) ** 0.5, rel=0.01)


def test_subsampling_takes_every_second_pixel_exactly():
    inputs = keras.Input((5, 6, 2))
    model = keras.Model(inputs, _convolution.subsample(inputs, 2, "subsample"))
    x = np.random.default_rng(0).normal(size=(3, 5, 6, 2)).astype("float32")
    assert np.array_equal(model.predict(x, verbose=0), x[:, ::2, ::2])


def test_subsampling_by_one_adds_no_layer():
    inputs = keras.Input((5, 6, 2))
    assert _convolution.subsample(inputs, 1, "subsample") is inputs
