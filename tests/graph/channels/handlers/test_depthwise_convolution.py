"""Tests of the channels of depthwise convolutions."""

from keras import layers

from tests.graph.channels.looks import made, output_of, sites_of, steps


def test_every_output_is_its_input():
    model = made(layers.DepthwiseConv2D(3, name="depthwise"))
    assert sites_of(model, "depthwise") == {"kernel 2": "made 0, made 1", "bias 0": "made 0, made 1"}
    assert output_of(model) == "made 0, made 1"


def test_several_outputs_of_an_input_stand_together():
    model = steps(layers.DepthwiseConv1D(2, depth_multiplier=2, name="depthwise"))
    assert sites_of(model, "depthwise") == {"kernel 1": "made 0, made 1", "bias 0": "made 0, made 0, made 1, made 1"}
    assert output_of(model) == "made 0, made 0, made 1, made 1"
