"""Tests of constants of the inputs."""

import keras
from keras import layers

from tests.graph.channels.looks import groups_of


def test_channels_with_constants_stay():
    inputs = keras.Input((3,))
    x = layers.Normalization(mean=[1.0, 2.0], variance=[1.0, 1.0], name="normal")(layers.Dense(2, name="made")(inputs))
    model = keras.Model(inputs, layers.Dense(1, name="read")(x))
    assert groups_of(model)[0] == "made: 2 | `normal` has constants for them"
