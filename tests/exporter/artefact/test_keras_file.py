"""Tests of `.keras` files as artefacts."""

import keras
import numpy as np
import pytest

from source.config.errors import DataError
from source.exporter.artefact.open_artefact import open_artefact


def two_inputs():
    first, second = keras.Input((3,), name="first"), keras.Input((2,), dtype="int32", name="second")
    table = keras.layers.Flatten()(keras.layers.Embedding(5, 4)(second))
    joined = keras.layers.Concatenate()([keras.layers.Dense(4)(first), table])
    return keras.Model(
        {"first": first, "second": second}, {"a": keras.layers.Dense(2)(joined), "b": keras.layers.ReLU()(joined)}
    )


def test_it_answers_what_the_model_answers_in_the_order_of_its_outputs(tmp_path):
    keras.utils.set_random_seed(0)
    model = two_inputs()
    model.save(tmp_path / "m.keras")
    inputs = [np.ones((3, 3), np.float32), np.array([[0, 1], [2, 3], [4, 0]])]
    file = open_artefact(tmp_path / "m.keras")
    assert file.kind == "Keras"
    assert file.input_specs == [((None, 3), "float32"), ((None, 2), "int32")]
    found = file.run(inputs)
    expected = model({"first": inputs[0], "second": inputs[1]})
    np.testing.assert_array_equal(found[0], expected["a"])
    np.testing.assert_array_equal(found[1], expected["b"])


def test_a_sequential_model_that_was_never_called_runs(tmp_path):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model.save(tmp_path / "m.keras")
    found = open_artefact(tmp_path / "m.keras").run([np.ones((2, 4))])
    np.testing.assert_array_equal(found[0], model(np.ones((2, 4), np.float32)))


def test_dropout_does_nothing(tmp_path):
    keras.Sequential([keras.Input((4,)), keras.layers.Dropout(0.5)]).save(tmp_path / "m.keras")
    np.testing.assert_array_equal(open_artefact(tmp_path / "m.keras").run([np.ones((2, 4))])[0], np.ones((2, 4)))


def test_inputs_that_do_not_fit_are_refused(tmp_path):
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]).save(tmp_path / "m.keras")
    with pytest.raises(DataError, match=r"m\.keras: input 0 has shape \(None, 4\)\. Received: \(2, 5\)\."):
        open_artefact(tmp_path / "m.keras").run([np.ones((2, 5))])
