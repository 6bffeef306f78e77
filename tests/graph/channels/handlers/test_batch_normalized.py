"""Tests of layers together with their normalization, as prepared models have them."""

import keras
from keras import layers

from source.layer.batch_normalized import BatchNormalized
from tests.graph.channels.looks import made, output_of, sites_of


def test_sites_are_those_of_the_layer_around_both():
    layer = BatchNormalized(layers.Conv2D(1, 1, use_bias=False, name="conv"), layers.BatchNormalization(name="normal"))
    model = made(layer)
    found = sites_of(model, "conv")
    assert {site.rpartition("/")[2]: channels for site, channels in found.items()} == {
        "kernel 2": "made 0, made 1",
        "kernel 3": "conv 0",
        "gamma 0": "conv 0",
        "beta 0": "conv 0",
        "moving_mean 0": "conv 0",
        "moving_variance 0": "conv 0",
    }
    assert output_of(model) == "conv 0"
    assert isinstance(model.layers[-1], keras.layers.Layer)
