"""Tests of channels that move to other places."""

import keras
import pytest
from keras import layers, ops

from source.graph.channel_groups import channel_groups
from source.graph.channels.handler import handler_of
from tests.graph.channels.looks import groups_of, made, output_of, steps


@pytest.mark.parametrize(
    ("layer", "output"),
    [
        (layers.Flatten(), ", ".join(["made 0, made 1"] * 16)),
        (layers.Reshape((16, 2)), "made 0, made 1"),
        (layers.Reshape((4, 8)), ", ".join(["made 0, made 1"] * 4)),
        (layers.Permute((3, 1, 2)), "made 0, made 1"),
        (lambda x: ops.repeat(x, 2, axis=-1), "made 0, made 0, made 1, made 1"),
        (lambda x: ops.tile(x, (1, 1, 1, 2)), "made 0, made 1, made 0, made 1"),
        (lambda x: ops.flip(x, axis=-1), "made 1, made 0"),
        (lambda x: ops.stack([x, x], axis=1), "made 0, made 1"),
    ],
)
def test_labels_move_as_numbers_do(layer, output):
    assert output_of(made(layer)) == output


def test_channels_are_shuffled():
    def shuffle(x):
        return ops.reshape(ops.transpose(ops.reshape(x, (-1, 16, 2, 2)), (0, 1, 3, 2)), (-1, 16, 4))

    model = made(shuffle, layers.Conv1D(1, 1, name="read"), filters=4)
    assert groups_of(model)[0] == "made: 2"  # places 0 and 2, 1 and 3: lines of a tensor go as a whole


def test_channels_stacked_on_others_go_together():
    inputs = keras.Input((4,))
    x, y = (layers.Dense(2, name=name)(inputs) for name in "xy")
    model = keras.Model(inputs, layers.Dense(1, name="read")(ops.max(ops.stack([x, y], axis=1), axis=1)))
    assert groups_of(model)[0] == "x + y: 2"


@pytest.mark.parametrize(
    ("operation", "free"),
    [
        (layers.Reshape((-1, 2)), True),
        (lambda x: ops.transpose(x, (0, 3, 1, 2)), True),
        (lambda x: ops.reshape(x, (-1, 9, 2)), False),
    ],
)
def test_lengths_that_are_free(operation, free):
    model = made(operation, layers.LeakyReLU(), shape=(None, None, 3))
    [line] = groups_of(model)
    assert ("over lengths that are free" in line) != free


def test_repeats_by_place_keep_all():
    model = steps(lambda x: ops.repeat(x, [1, 2], axis=-1), layers.Dense(1))
    assert groups_of(model)[0] == "made: 2 | `repeat` says for each of them how often it comes"


@pytest.mark.parametrize(
    ("operation", "settings"),
    [
        (layers.Reshape((-1, 2)), {"target_shape": (-1, 1)}),
        (layers.Reshape((4, 8)), {"target_shape": (4, 4)}),
        (lambda x: ops.reshape(x, (-1, 4, 4, 2)), {"newshape": (-1, 4, 4, 1)}),
        (layers.Flatten(), {}),
    ],
)
def test_shapes_are_those_of_what_is_kept(operation, settings):
    groups = channel_groups(made(operation))
    step = groups.trace.steps[-1]
    first = groups.flow.producers["made"][0]
    assert handler_of(step).changed(step, groups.flow, lambda labels: groups.channels_of(labels) != first) == settings
