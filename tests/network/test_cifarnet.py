"""Tests of CifarNet."""

import keras
import pytest

from source.config.errors import ConfigError
from source.network import cifarnet
from tests.network.counting import images, multiplications, total, trainable


def build(size=32, **settings):
    return cifarnet.build(cifarnet.Config(**settings), images(size, size, 3))


def test_the_counts_are_the_published_ones():
    model = build()
    assert trainable(model) == 1_296_074
    assert total(model) == 1_296_074 + 2 * 1088
    assert multiplications(model) == 174_301_824


def test_the_first_convolution_is_not_padded_and_two_halve_the_image():
    model = build()
    sides = [model.get_layer(f"layer{index}_conv").output.shape[1] for index in range(1, 9)]
    assert sides == [30, 30, 15, 15, 15, 8, 8, 8]


def test_dropout_follows_the_fourth_and_the_seventh_convolution():
    def names(model):
        return [layer.name for layer in model.layers if isinstance(layer, keras.layers.Dropout)]

    assert names(build()) == ["layer4_dropout", "layer7_dropout"]
    assert names(build(dropout=0.0)) == []


def test_the_momentum_can_be_the_published_one():
    norm = build(batch_norm_momentum=0.9997).get_layer("layer1_norm")
    assert (norm.momentum, norm.epsilon) == (0.9997, 1e-3)


def test_two_pixels_are_too_few():
    assert build(3).output_shape == (None, 10)
    with pytest.raises(ConfigError, match="cifarnet: `inputs` must be at least 3 x 3 pixels"):
        build(2)


def test_an_impossible_setting_is_refused():
    with pytest.raises(ConfigError, match="`dropout` must be from 0 to below 1"):
        cifarnet.Config(dropout=-0.1)
    with pytest.raises(ConfigError, match="`batch_norm_momentum` must be from 0 to below 1"):
        cifarnet.Config(batch_norm_momentum=2.0)
