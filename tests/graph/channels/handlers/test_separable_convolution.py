"""Tests of the channels of separable convolutions."""

from keras import layers

from tests.graph.channels.looks import made, sites_of, steps


def test_both_kernels_read_the_inputs():
    model = made(layers.SeparableConv2D(3, 3, depth_multiplier=2, name="conv"))
    assert sites_of(model, "conv") == {
        "depthwise_kernel 2": "made 0, made 1",
        "pointwise_kernel 2": "made 0, made 0, made 1, made 1",
        "pointwise_kernel 3": "conv 0, conv 1, conv 2",
        "bias 0": "conv 0, conv 1, conv 2",
    }


def test_along_one_axis_without_bias():
    model = steps(layers.SeparableConv1D(1, 1, use_bias=False, name="conv"))
    assert sites_of(model, "conv") == {
        "depthwise_kernel 1": "made 0, made 1",
        "pointwise_kernel 1": "made 0, made 1",
        "pointwise_kernel 2": "conv 0",
    }
