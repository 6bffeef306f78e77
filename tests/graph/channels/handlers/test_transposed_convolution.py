"""Tests of the channels of transposed convolutions."""

from keras import layers

from tests.graph.channels.looks import made, sites_of, steps


def test_outputs_lie_before_inputs():
    model = made(layers.Conv2DTranspose(3, 3, name="conv"))
    assert sites_of(model, "conv") == {
        "kernel 3": "made 0, made 1",
        "kernel 2": "conv 0, conv 1, conv 2",
        "bias 0": "conv 0, conv 1, conv 2",
    }


def test_along_one_axis_without_bias():
    model = steps(layers.Conv1DTranspose(1, 1, use_bias=False, name="conv"))
    assert sites_of(model, "conv") == {"kernel 2": "made 0, made 1", "kernel 1": "conv 0"}
