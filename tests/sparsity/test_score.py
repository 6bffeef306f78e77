"""Tests of scores."""

import numpy as np
import pytest
import tensorflow as tf

from source.config.errors import ConfigError
from source.sparsity import score

W = tf.constant([[1.0, -2.0], [0.5, -0.25], [0.0, 4.0]])
G = tf.constant([[0.5, 0.5], [-8.0, 4.0], [3.0, -0.25]])


def test_magnitude():
    assert score.magnitude(W).numpy().tolist() == [[1, 2], [0.5, 0.25], [0, 4]]


def test_gradient():
    assert score.gradient(W, G).numpy().tolist() == [[0.5, 0.5], [8, 4], [3, 0.25]]


def test_taylor():
    assert score.taylor(W, G).numpy().tolist() == [[0.5, 1], [4, 1], [0, 1]]


def test_movement_is_high_where_weights_leave_zero():
    once = score.movement(tf.zeros((3, 2)), W, G)
    assert once.numpy().tolist() == [[-0.5, 1], [4, 1], [0, 1]]
    assert score.movement(once, W, G).numpy().tolist() == [[-1, 2], [8, 2], [0, 2]]


def test_wanda_weighs_with_the_norms_of_inputs():
    norms = tf.constant([1.0, 2.0, 3.0])
    assert score.wanda(W, norms).numpy().tolist() == [[1, 2], [1, 0.5], [0, 12]]
    kernel = tf.ones((3, 3, 2, 4))
    assert score.wanda(kernel, tf.constant([1.0, 5.0]))[0, 0].numpy().tolist() == [[1] * 4, [5] * 4]
    assert score.wanda(W, tf.constant([1.0, 10.0]), axis=1).numpy().tolist() == [[1, 20], [0.5, 2.5], [0, 40]]


def test_batch_norm_scale():
    assert score.batch_norm_scale(tf.constant([-1.5, 0.5])).numpy().tolist() == [1.5, 0.5]


def test_random_scores_are_a_function_of_the_seed():
    found = np.asarray(score.random((64, 64), 3))
    assert found.shape == (64, 64) and found.dtype == np.float32
    assert (found >= 0).all() and (found < 1).all()
    assert np.array_equal(found, score.random((64, 64), tf.constant(3)))
    assert not np.array_equal(found, score.random((64, 64), 4))


def test_shapes_that_do_not_suit_are_refused():
    for made in (score.gradient, score.taylor):
        with pytest.raises(ConfigError, match=r"`g` must have the shape of the weight, \(3, 2\). Received: shape=\(2,"):
            made(W, G[0])
    with pytest.raises(ConfigError, match=r"`accumulated` must have the shape of the weight, \(3, 2\). Received"):
        score.movement(G[0], W, G)
    with pytest.raises(
        ConfigError, match=r"`input_norms` must have the shape \(3,\), that of axis -2. Received: shape=\(2,\)."
    ):
        score.wanda(W, tf.ones(2))
    with pytest.raises(ConfigError, match=r"`axis` must be in \[-2, 2\) for 2 axes. Received: axis=2."):
        score.wanda(W, tf.ones(2), axis=2)
