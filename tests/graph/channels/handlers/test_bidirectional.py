"""Tests of recurrent layers in both directions."""

import pytest
from keras import layers

from tests.graph.channels.looks import groups_of, output_of, sites_of, steps


@pytest.mark.parametrize(
    ("merge", "output"),
    [
        ("concat", "both 0, both 1, both 0, both 1"),
        ("sum", "both 0, both 1"),
        (None, "both 0, both 1"),
    ],
)
def test_the_same_units_come_out_of_both(merge, output):
    model = steps(layers.Bidirectional(layers.SimpleRNN(2), merge_mode=merge, name="both"))
    assert output_of(model) == output


def test_sites_are_those_of_the_layer_around_both():
    model = steps(layers.Bidirectional(layers.SimpleRNN(1, use_bias=False, name="rnn"), name="both"))
    assert sites_of(model, "both") == {
        f"{direction}_rnn/simple_rnn_cell/{weight}": channels
        for direction in ("forward", "backward")
        for weight, channels in {
            "kernel 0": "made 0, made 1",
            "kernel 1": "both 0",
            "recurrent_kernel 0": "both 0",
            "recurrent_kernel 1": "both 0",
        }.items()
    }


def test_of_two_layers_that_are_not_alike_nothing_goes():
    layer = layers.Bidirectional(layers.SimpleRNN(2), backward_layer=layers.LSTM(2, go_backwards=True), name="both")
    reason = "`both` has two layers that are not alike, or keep their states"
    assert groups_of(steps(layer, layers.Dense(1)))[0] == f"made: 2 | {reason}"
