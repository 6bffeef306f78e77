"""Tests of channels side by side, and of the same channels at more places."""

import keras
import pytest
from keras import layers, ops

from tests.graph.channels.looks import groups_of, output_of


def two(merge) -> keras.Model:
    inputs = keras.Input((4, 4, 3))
    return keras.Model(inputs, merge([layers.Conv2D(2, 1, name="a")(inputs), layers.Conv2D(1, 1, name="b")(inputs)]))


@pytest.mark.parametrize("merge", [layers.Concatenate(), layers.Concatenate(axis=3), lambda x: ops.concatenate(x, -1)])
def test_channels_stand_one_behind_the_other(merge):
    assert output_of(two(merge)) == "a 0, a 1, b 0"


def test_along_places_the_channels_are_the_same():
    inputs = keras.Input((4, 4, 3))
    x, y = (layers.Conv2D(2, 1, name=name)(inputs) for name in "ab")
    model = keras.Model(inputs, layers.Concatenate(axis=1)([x, y]))
    assert groups_of(model) == ["a + b: 2 | it is an output of the model"]


def test_batches_that_are_joined_stay():
    inputs = keras.Input((4, 4, 3))
    x, y = (layers.Conv2D(2, 1, name=name)(inputs) for name in "ab")
    model = keras.Model(inputs, layers.Dense(1, name="read")(ops.concatenate([x, y], axis=0)))
    assert groups_of(model)[0] == "a: 2 | `concatenate` joins batches"
