"""Tests of the filters of convolutional recurrent layers."""

import keras
import pytest
from keras import layers

from tests.graph.channels.looks import groups_of, output_of, sites_of


def pictures(*parts, shape=(3, 4, 4, 2)) -> keras.Model:
    """Returns the parts one after the other, on three pictures of 4 x 4."""
    inputs = x = keras.Input(shape)
    for part in parts:
        x = part(x)
    return keras.Model(inputs, x)


@pytest.mark.parametrize(("shape", "settings"), [
    ((3, 4, 4, 2), {}),
    ((3, 2, 4, 4), {"data_format": "channels_first"}),
])  # fmt: skip
def test_a_filter_goes_from_all_gates_and_as_its_own_input(shape, settings):
    first = layers.ConvLSTM2D(2, 1, return_sequences=True, name="first", **settings)
    model = pictures(first, layers.ConvLSTM2D(2, 1, name="units", **settings), shape=shape)
    four = ", ".join(["units 0, units 1"] * 4)
    found = {name.rpartition("/")[2]: labels for name, labels in sites_of(model, "units").items()}
    assert found == {
        "kernel 2": "first 0, first 1",
        "kernel 3": four,
        "recurrent_kernel 2": "units 0, units 1",
        "recurrent_kernel 3": four,
        "bias 0": four,
    }
    assert output_of(model) == "units 0, units 1"


def test_without_biases_there_is_no_site_of_them():
    model = pictures(layers.ConvLSTM2D(2, 1, use_bias=False, name="units"))
    assert not any("bias" in site for site in sites_of(model, "units"))


def test_states_are_filters_of_both_layers():
    inputs = keras.Input((3, 4, 4, 2))
    _, *states = layers.ConvLSTM2D(2, 1, return_state=True, name="first")(inputs)
    x = layers.ConvLSTM2D(2, 1, name="second")(inputs, initial_state=states)
    assert groups_of(keras.Model(inputs, layers.Dense(1)(x)))[0] == "first + second: 2"


def test_with_a_state_that_stays_from_batch_to_batch_nothing_goes():
    inputs = keras.Input(batch_shape=(2, 3, 4, 4, 2))
    x = layers.Dense(2, name="made")(inputs)
    x = layers.ConvLSTM2D(2, 1, stateful=True, name="units")(x)
    model = keras.Model(inputs, layers.Dense(1)(x))
    assert groups_of(model)[0] == "made: 2 | `units` keeps its state from batch to batch"
