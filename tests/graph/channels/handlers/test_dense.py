"""Tests of the channels of dense layers."""

from keras import layers

from tests.graph.channels.looks import made, sites_of, steps


def test_the_last_axis_is_read():
    model = steps(layers.Dense(3, name="dense"))
    assert sites_of(model, "dense") == {
        "kernel 0": "made 0, made 1",
        "kernel 1": "dense 0, dense 1, dense 2",
        "bias 0": "dense 0, dense 1, dense 2",
    }


def test_without_bias_after_flattening():
    model = made(layers.MaxPooling2D(2), layers.Flatten(), layers.Dense(1, use_bias=False, name="dense"))
    assert sites_of(model, "dense") == {"kernel 0": ", ".join(["made 0, made 1"] * 4), "kernel 1": "dense 0"}
