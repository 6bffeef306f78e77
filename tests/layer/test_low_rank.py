"""Tests of weights that are products of two thin matrices: how they are cut, and what trains."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from source.config.errors import ConfigError
from source.layer.low_rank import LowRank, matrix, matrix_shape, row_axes
from source.layer.transformation import copies_of
from tests.layer.kinds import equal


def made(rank, x, rows=(0,)):
    each = LowRank(rank, rows)
    each.build(x.shape)
    each.built = True
    each.calibrate(x)
    return each


def test_the_product_is_the_nearest_matrix_of_the_rank():
    # Singular values 4, 2 and 1 along the axes.
    x = np.float32([[0, 4, 0], [2, 0, 0], [0, 0, -1]])
    assert np.asarray(made(2, x)(x)) == pytest.approx(np.float32([[0, 4, 0], [2, 0, 0], [0, 0, 0]]), abs=1e-6)
    assert np.asarray(made(1, x)(x)) == pytest.approx(np.float32([[0, 4, 0], [0, 0, 0], [0, 0, 0]]), abs=1e-6)


def test_a_kernel_is_cut_between_its_spatial_axes():
    draw = np.random.default_rng(0)
    vertical, horizontal = draw.normal(size=(3, 4, 2)), draw.normal(size=(2, 5, 6))
    kernel = np.einsum("hcr,rwo->hwco", vertical, horizontal).astype(np.float32)
    assert matrix_shape(kernel.shape, (0, 2)) == (12, 30)
    assert np.linalg.matrix_rank(matrix(kernel, (0, 2)), tol=1e-4) == 2
    each = made(2, kernel, (0, 2))
    # Factors are float32.
    assert np.asarray(each(kernel)) == pytest.approx(kernel, abs=1e-5)


def test_entries_of_a_matrix_are_those_of_its_axes():
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2)
    assert matrix(x, (0, 2))[1].tolist() == [x[0, w, 1, o] for w in range(3) for o in range(2)]


def test_factors_train_and_the_weight_does_not():
    x = np.float32([[1, 2], [3, 4]])
    each = made(1, x)
    given = tf.convert_to_tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(given)
        y = tf.reduce_sum(each(given, training=True))
    of_x, of_left, of_right = tape.gradient(y, [given, each.left.value, each.right.value])
    assert of_x is None and not each.passes_gradient
    # d/d left = the row sums of the other factor, in every row.
    assert np.asarray(of_left)[:, 0] == pytest.approx(np.full(2, np.sum(each.right)))
    assert np.asarray(of_right)[0] == pytest.approx(np.full(2, np.sum(each.left)))


def test_a_rank_beyond_the_matrix_is_filled_with_zeros():
    x = np.float32([[1, 2, 3]])
    assert np.asarray(made(2, x)(x)) == pytest.approx(x, abs=1e-6)


def test_factors_are_counted():
    each = LowRank(2, (0, 2))
    assert each.factor_bytes((3, 5, 4, 6)) == 4 * 2 * (12 + 30) and each.description == "rank 2"


def test_a_copy_has_the_same_state():
    x = np.random.default_rng(0).normal(size=(3, 2, 4)).astype(np.float32)
    each = made(2, x, (0, 1))
    [copied] = copies_of([each])
    assert copied.get_config() == each.get_config() and equal(copied(x), each(x))


@pytest.mark.parametrize(
    ("layer", "path", "rank", "rows"),
    [
        (keras.layers.Dense(2), "kernel", 2, (0,)),
        (keras.layers.Conv1D(2, 3), "kernel", 3, (0, 1)),
        (keras.layers.Conv2D(2, 3), "kernel", 4, (0, 2)),
        (keras.layers.Conv3D(2, 3), "kernel", 5, (0, 1, 3)),
        (keras.layers.Embedding(8, 2), "embeddings", 2, (0,)),
        (keras.layers.MultiHeadAttention(2, 4), "query/kernel", 3, (0,)),
        (keras.layers.MultiHeadAttention(2, 4), "attention_output/kernel", 3, (0, 1)),
        (keras.layers.LSTM(2), "lstm_cell/recurrent_kernel", 2, (0,)),
    ],
)
def test_rows_are_what_products_are_summed_over(layer, path, rank, rows):
    assert row_axes(layer, path, rank) == rows


def test_no_rank_is_refused():
    with pytest.raises(ConfigError, match=r"`rank` must be at least 1. Received: rank=0."):
        LowRank(0)
