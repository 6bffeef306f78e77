"""Tests of the channels of convolutions, and of groups in them."""

import pytest
from keras import layers

from source.graph.channel_groups import channel_groups
from source.graph.channels.handler import handler_of
from tests.graph.channels.looks import groups_of, made, sites_of, steps


def test_a_convolution_reads_channels_and_makes_others():
    model = made(layers.Conv2D(3, 3, name="conv"))
    assert sites_of(model, "made")["kernel 2"] == "-, -, -"
    assert sites_of(model, "conv") == {
        "kernel 2": "made 0, made 1",
        "kernel 3": "conv 0, conv 1, conv 2",
        "bias 0": "conv 0, conv 1, conv 2",
    }


def test_along_one_axis():
    model = steps(layers.Conv1D(2, 1, use_bias=False, name="conv"))
    assert sites_of(model, "conv") == {"kernel 1": "made 0, made 1", "kernel 2": "conv 0, conv 1"}


def test_with_a_group_for_each_input_an_output_is_its_input():
    model = made(layers.Conv2D(4, 1, groups=2, name="conv"))
    assert sites_of(model, "conv") == {
        "kernel 3": "made 0, made 0, made 1, made 1",
        "bias 0": "made 0, made 0, made 1, made 1",
    }


def test_groups_lose_the_same_place():
    model = made(layers.Conv2D(6, 1, groups=2, name="conv"), filters=4)
    assert sites_of(model, "conv") == {
        "kernel 2": "made 0, made 1",
        "kernel 3": "conv 0, conv 1, conv 2, conv 0, conv 1, conv 2",
        "bias 0": "conv 0, conv 1, conv 2, conv 0, conv 1, conv 2",
    }
    assert groups_of(model)[0] == "made: 2"


@pytest.mark.parametrize(("groups", "settings"), [(1, {"filters": 4}), (2, {"filters": 2, "groups": 1})])
def test_what_is_kept_is_counted(groups, settings):
    model = made(layers.Conv2D(4, 1, groups=groups, name="conv"))
    found = channel_groups(model)
    [step] = [each for each in found.trace.steps if each.path == "conv"]
    first = found.flow.producers["made"][0]
    assert handler_of(step).changed(step, found.flow, lambda labels: found.channels_of(labels) != first) == settings
