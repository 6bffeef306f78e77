"""Tests of parts of channels."""

import keras
import pytest
from keras import layers, ops

from source.graph.channel_groups import channel_groups
from source.graph.channels.handler import handler_of
from tests.graph.channels.looks import groups_of, output_of, steps


@pytest.mark.parametrize("parts", [2, [2]])
def test_every_part_has_its_channels(parts):
    model = steps(lambda x: ops.split(x, parts, axis=-1), units=4)
    assert [output_of(model, position) for position in (0, 1)] == ["made 0, made 1", "made 2, made 3"]


@pytest.mark.parametrize(("axis", "settings"), [(-1, {"indices_or_sections": [1]}), (1, {})])
def test_parts_are_split_where_they_end(axis, settings):
    model = steps(lambda x: ops.split(x, [2], axis=axis), units=4)
    groups = channel_groups(model)
    first = groups.flow.producers["made"][0]
    step = groups.trace.steps[-1]
    assert handler_of(step).changed(step, groups.flow, lambda labels: groups.channels_of(labels) != first) == settings


def test_lengths_that_are_free():
    inputs = keras.Input((None, 4))
    parts = ops.split(layers.Dense(2, name="made")(inputs), [100], axis=1)
    model = keras.Model(inputs, [layers.Dense(1, name=f"read_{place}")(part) for place, part in enumerate(parts)])
    assert groups_of(model)[0] == "made: 2 | `split` splits lengths that are free"
