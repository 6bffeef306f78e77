"""Tests of gates that let through the channels with the largest saliencies."""

import keras
import pytest
from keras import layers, ops

from source.graph.channel_groups import channel_groups
from source.layer.channel_gate import ChannelGate
from tests.graph.channels.cutting import cut
from tests.graph.channels.handlers.cases import CASES
from tests.graph.channels.looks import groups_of, output_of, sites_of


def gated(gate: ChannelGate, shape=(4, 4, 3)) -> keras.Model:
    inputs = keras.Input(shape)
    x = layers.Dense(2, name="made")(inputs) if gate.axis in (-1, 3) else layers.Permute((3, 1, 2))(inputs)
    saliency = layers.Dense(x.shape[gate.axis], name="saliency")(layers.GlobalMaxPooling2D()(inputs))
    return keras.Model(inputs, layers.Flatten()(gate(x, saliency)))


@pytest.mark.parametrize("axis", [-1, 3])
def test_channels_go_with_their_saliencies(axis):
    model = gated(ChannelGate(axis=axis, name="gate"))
    assert sites_of(model, "gate") == {"beta 0": "made 0, made 1", "sign 0": "made 0, made 1"}
    assert sites_of(model, "saliency")["bias 0"] == "made 0, made 1"


def test_channels_lie_along_the_axis_of_the_gate():
    assert output_of(gated(ChannelGate(axis=1, name="gate"))).startswith(", ".join(["saliency 0"] * 16))


def test_a_gate_that_chooses_leaves_doubts():
    read = "`gate` lets some of them through: without one, another may have its place"
    [group, _] = channel_groups(CASES["channel_gate"]["some"]()).groups
    assert group.doubts == (read,)
    assert groups_of(CASES["channel_gate"]["all"]())[0] == "made + saliency: 8"


def test_a_gate_that_lets_fewer_through_for_now_leaves_doubts():
    model = CASES["channel_gate"]["all"]()
    model.get_layer("gate").let_through(0.5)
    assert channel_groups(model).groups[0].doubts


def test_as_many_are_let_through_as_before():
    smaller = cut(CASES["channel_gate"]["some"]()).get_layer("gate")
    assert (smaller.channels, int(ops.convert_to_numpy(smaller.kept))) == (5, 8)
