"""Tests of slices."""

import keras
import pytest
from keras import layers, ops

from tests.graph.channels.looks import groups_of, output_of, steps


@pytest.mark.parametrize(
    "select",
    [
        lambda x: x[:, 1:],
        lambda x: x[:, -1],
        lambda x: ops.take(x, [0, 1], axis=1),
        lambda x: ops.unstack(x, axis=1)[0],
    ],
)
def test_slices_of_places_leave_channels_free(select):
    assert groups_of(steps(select, layers.Dense(1, name="read")))[0] == "made: 2"


@pytest.mark.parametrize(
    ("select", "output"),
    [
        (lambda x: x[..., :1], "made 0"),
        (lambda x: ops.take(x, [1, 0], axis=-1), "made 1, made 0"),
    ],
)
def test_channels_among_which_is_chosen_stay(select, output):
    model = steps(select)
    assert output_of(model) == output
    assert "chooses among them" in groups_of(model)[0]


def test_bounds_in_lengths_that_are_free():
    inputs = keras.Input((None, 4))
    x = layers.Dense(2, name="made")(inputs)
    free = keras.Model(inputs, layers.Dense(1, name="read")(x[:, 1:]))
    assert groups_of(free)[0] == "made: 2"
    far = keras.Model(inputs, layers.Dense(1, name="read")(x[:, 100:]))
    assert groups_of(far)[0] == "made: 2 | `get_item` chooses among lengths that are free"
