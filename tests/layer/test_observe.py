"""Tests of watching inputs: what is counted, when, and that the model sees no change."""

import keras
import numpy as np
import pytest

from source.layer.observe import Observe
from source.layer.transformation import copies_of

FIRST = np.array([[1, -2], [3, 4]], "float32")  # mean squares 5, 10
SECOND = np.array([[2, 0]] * 4, "float32")  # mean squares 4, 0


def built(shape=(None, 2), **settings):
    made = Observe(**settings)
    made.build(shape)
    made.built = True
    return made


def test_batches_count_by_their_rows_while_collecting():
    made = built()
    made.begin_collection()
    np.testing.assert_array_equal(made(FIRST), FIRST)
    made(SECOND)
    made.end_collection()
    # (2 * 5 + 4 * 4) / 6 and (2 * 10) / 6, in float32
    np.testing.assert_allclose(made.norms(), np.sqrt([26 / 6, 20 / 6]), rtol=1e-6)
    assert float(made.rows) == 6


def test_training_steps_count_and_others_do_not():
    made = built()
    np.testing.assert_array_equal(made(FIRST, training=False), FIRST)
    assert np.all(keras.ops.convert_to_numpy(made.norms()) == 0)
    np.testing.assert_array_equal(made(FIRST, training=True), FIRST)
    np.testing.assert_allclose(made.norms(), np.sqrt([5, 10]), rtol=1e-6)  # square root of a rounded mean


@pytest.mark.parametrize(("shape", "axis"), [((None, 3, 4, 2), -1), ((None, 2, 3, 4), 1)])
def test_positions_are_rows(shape, axis):
    made = built(shape, axis=axis)
    x = np.ones((5, *shape[1:]), "float32")
    made(x, training=True)
    assert float(made.rows) == 5 * 3 * 4
    np.testing.assert_array_equal(made.norms(), [1, 1])


def test_the_average_forgets_after_a_million_rows():
    made = built()
    made.rows.assign(2.0**20)
    made.mean_squares.assign([1.0, 1.0])
    made(np.zeros((2**18, 2), "float32"), training=True)
    np.testing.assert_array_equal(made.norms(), np.sqrt(np.array([0.75, 0.75], "float32")))
    assert float(made.rows) == 2.0**20


def test_an_empty_batch_changes_nothing():
    made = built()
    made(np.zeros((0, 2), "float32"), training=True)
    assert not np.any(keras.ops.convert_to_numpy(made.norms()))


def test_copies_have_what_was_seen_and_a_finished_model_keeps_nothing():
    made = built(axis=1)
    made(FIRST, training=True)
    [copied] = copies_of([made])
    np.testing.assert_array_equal(copied.norms(), made.norms())
    assert copied.axis == 1 and made.lasting() is None and made.description == "observed"
