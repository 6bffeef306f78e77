"""Tests of layers that are called at every step of a series."""

import keras
import pytest
from keras import layers

from source.config.errors import ConfigError
from source.graph.channel_groups import channel_groups
from source.graph.channels.handlers.time_distributed import HANDLER
from tests.graph.channels.cutting import cut
from tests.graph.channels.handlers.cases import CASES
from tests.graph.channels.looks import groups_of, output_of, sites_of, steps


def test_sites_are_those_of_the_wrapper():
    model = steps(layers.TimeDistributed(layers.Dense(3, name="dense"), name="each"))
    assert sites_of(model, "each") == {
        "dense/kernel 0": "made 0, made 1",
        "dense/kernel 1": "each 0, each 1, each 2",
        "dense/bias 0": "each 0, each 1, each 2",
    }
    assert output_of(model) == "each 0, each 1, each 2"


def test_steps_are_tied():
    # The channels become the steps: each of them is then seen by the same weights.
    model = steps(layers.Permute((2, 1)), layers.TimeDistributed(layers.Dense(1), name="each"))
    groups = channel_groups(model)
    assert len(groups.group_of("made")[0]) == 1


def test_the_layer_inside_has_other_settings():
    smaller = cut(CASES["time_distributed"]["dense"]())
    assert smaller.get_layer("each").layer.units == 4
    assert smaller.get_layer("made").layer.filters == 5


def test_nothing_changes_where_a_layer_knows_of_no_channels():
    model = steps(layers.TimeDistributed(layers.ReLU(), name="each"), layers.Dense(1))
    groups = channel_groups(model)
    [step] = [each for each in groups.trace.steps if each.path == "each"]
    assert HANDLER.changed(step, groups.flow, lambda labels: labels == labels) == {}


def test_a_model_at_every_step_keeps_its_channels():
    inner = keras.Sequential([keras.Input((2,)), layers.Dense(3), layers.Dense(2)])
    model = steps(layers.TimeDistributed(inner, name="each"), layers.Dense(1, name="read"))
    assert groups_of(model)[0] == "made: 2 | `each` calls a model at every step"
    [step] = [each for each in channel_groups(model).trace.steps if each.path == "each"]
    assert HANDLER.changed(step, channel_groups(model).flow, lambda labels: labels == labels) == {}


def test_a_layer_without_handler_is_refused_by_name():
    model = steps(layers.TimeDistributed(layers.Lambda(lambda x: x), name="each"))
    with pytest.raises(ConfigError, match=r"Layer `each` \(Lambda\) cannot be followed"):
        channel_groups(model)
