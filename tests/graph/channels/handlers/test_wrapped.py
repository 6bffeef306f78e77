"""Tests of layers in the wrapper of compression."""

from keras import layers

from source.layer.compressed import Compressed
from tests.graph.channels.looks import made, sites_of


def test_sites_are_those_of_the_layer_inside():
    model = made(Compressed(layers.Conv2D(1, 1, name="conv")))
    assert sites_of(model, "conv") == {"kernel 2": "made 0, made 1", "kernel 3": "conv 0", "bias 0": "conv 0"}
