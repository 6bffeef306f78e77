"""Tests of what meets place by place."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from tests.graph.channels.looks import groups_of


def met(merge, filters=(2, 2), last=lambda x: layers.Conv2D(1, 1, name="read")(x)) -> keras.Model:
    inputs = keras.Input((4, 4, 3))
    x, y = (layers.Conv2D(count, 1, name=name)(inputs) for name, count in zip("xy", filters, strict=True))
    return keras.Model(inputs, last(merge(x, y)))


@pytest.mark.parametrize(
    "merge",
    [
        lambda x, y: layers.Add()([x, y]),
        lambda x, y: layers.Multiply()([x, y]),
        lambda x, y: x - y,
        lambda x, y: ops.maximum(x, y),
        lambda x, y: ops.where(x > y, 1.0, y),
        lambda x, y: x * ops.mean(y, axis=(1, 2), keepdims=True),
        lambda x, y: layers.Multiply()([x, layers.GlobalMaxPooling2D()(y)]),
    ],
)
def test_what_meets_goes_together(merge):
    assert groups_of(met(merge))[0] == "x + y: 2"


def test_channels_of_which_each_is_at_its_place_meet_when_flattened():
    model = met(lambda x, y: layers.Flatten()(x) + layers.Flatten()(y), last=layers.Dense(1, name="read"))
    assert groups_of(model)[0] == "x + y: 2"


def test_one_channel_that_meets_many_stays():
    model = met(lambda x, y: layers.Multiply(name="gate")([x, y]), filters=(2, 1))
    assert groups_of(model)[:2] == ["x: 2", "y: 1 | `gate` spreads it over many"]


def test_numbers_leave_channels_free_and_arrays_do_not():
    assert groups_of(met(lambda x, y: x * 2.0 + 1.0))[0] == "x: 2"
    model = met(lambda x, y: x * np.ones(2, "float32"))
    assert groups_of(model)[0] == "x: 2 | `multiply` takes a constant for each of them"


def test_gates_of_channels_that_come_first():
    inputs = keras.Input((3, 4, 5))
    x = layers.Conv2D(2, 1, data_format="channels_first", name="x")(inputs)
    y = layers.Conv2D(2, 1, data_format="channels_first", name="y")(ops.max(x, axis=(2, 3), keepdims=True))
    model = keras.Model(inputs, layers.Conv2D(1, 1, data_format="channels_first")(x * y))
    assert groups_of(model)[0] == "x + y: 2"


def test_two_that_are_spread_over_each_other_stay():
    inputs = keras.Input((3,))
    x, y = (layers.Dense(2, name=name)(inputs) for name in "xy")
    outer = ops.add(ops.expand_dims(x, 1), ops.expand_dims(y, 2))
    model = keras.Model(inputs, layers.Dense(1, name="read")(outer))
    assert set(groups_of(model)[:2]) == {f"{name}: 2 | `add` spreads it over many" for name in "xy"}


def test_operations_on_tensors_of_several_ranks_keep_everything():
    inputs = keras.Input(batch_shape=(1, 2, 3))
    x = layers.Dense(2, name="x")(inputs)
    y = layers.Dense(2, name="y")(ops.mean(x, axis=1))
    model = keras.Model(inputs, layers.Dense(1, name="read")(ops.add(x, y)))
    assert groups_of(model)[:2] == [f"{name}: 2 | `add` takes tensors of several ranks" for name in "xy"]
