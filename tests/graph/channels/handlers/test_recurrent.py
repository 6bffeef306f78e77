"""Tests of the units of recurrent layers."""

import keras
import pytest
from keras import layers

from source.graph.channels.handlers.recurrent import gates_of
from tests.graph.channels.looks import groups_of, output_of, sites_of, steps


@pytest.mark.parametrize(
    ("kind", "gates"), [(layers.SimpleRNN, 1), (layers.GRU, 3), (layers.LSTM, 4), (layers.Dense, 0)]
)
def test_kernels_have_a_column_for_each_gate(kind, gates):
    assert gates_of(kind(2)) == gates


def test_a_unit_goes_from_all_gates_and_as_its_own_input():
    model = steps(layers.LSTM(2, name="units"))
    four = ", ".join(["units 0, units 1"] * 4)
    assert sites_of(model, "units") == {
        "lstm_cell/kernel 0": "made 0, made 1",
        "lstm_cell/kernel 1": four,
        "lstm_cell/recurrent_kernel 0": "units 0, units 1",
        "lstm_cell/recurrent_kernel 1": four,
        "lstm_cell/bias 0": four,
    }
    assert output_of(model) == "units 0, units 1"


def test_a_gated_unit_that_resets_after_has_two_rows_of_biases():
    model = steps(layers.GRU(1, name="units"))
    assert sites_of(model, "units")["gru_cell/bias 1"] == "units 0, units 0, units 0"


def test_states_are_units_of_both_layers():
    inputs = keras.Input((3, 4))
    _, state = layers.GRU(2, return_state=True, name="first")(inputs)
    model = keras.Model(inputs, layers.Dense(1)(layers.GRU(2, name="second")(inputs, initial_state=state)))
    assert groups_of(model)[0] == "first + second: 2"


def test_with_a_state_that_stays_from_batch_to_batch_nothing_goes():
    inputs = keras.Input(batch_shape=(2, 3, 4))
    x = layers.Dense(2, name="made")(inputs)
    model = keras.Model(inputs, layers.Dense(1)(layers.LSTM(2, stateful=True, name="units")(x)))
    assert groups_of(model)[0] == "made: 2 | `units` keeps its state from batch to batch"
