"""Tests of gradients through rounding."""

import numpy as np
import pytest
import tensorflow as tf

from source.numeric import gradient, number_format

X = np.float32([-2.0, -0.6, 0.2, 0.7, 3.0])
UPSTREAM = np.float32([1, 2, 3, 4, 5])


def gradients(function, *inputs: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Returns the value and the gradients of its sum weighted by `UPSTREAM`."""
    tensors = [tf.constant(x) for x in inputs]
    with tf.GradientTape() as tape:
        for tensor in tensors:
            tape.watch(tensor)
        value = function(*tensors)
        loss = tf.reduce_sum(value * UPSTREAM)
    return value.numpy(), [found.numpy() for found in tape.gradient(loss, tensors)]


@pytest.mark.parametrize("name", ["int8", "mxfp4{4}", "fp8_e4m3fn", "ternary", "nf4", "binary", "pow2<4>"])
def test_straight_through_keeps_value_and_gradient(name):
    numeric = number_format(name)
    value, [found] = gradients(lambda x: gradient.straight_through(numeric.round, x), X)
    assert np.array_equal(value, numeric.round(X))
    assert np.array_equal(found, UPSTREAM)


def test_beyond_the_limits_the_clipped_estimator_has_none():
    numeric = number_format("fixed<4,1>")
    value, [found] = gradients(lambda x: gradient.clipped_straight_through(numeric.round, x, -1.0, 0.7), X)
    assert np.array_equal(value, numeric.round(X))
    assert found.tolist() == [0, 2, 3, 4, 0]


def test_limits_may_be_tensors():
    limits = tf.constant([1.0, 1.0, 0.1, 1.0, 5.0])
    _, [found] = gradients(lambda x: gradient.clipped_straight_through(tf.round, x, -limits, limits), X)
    assert found.tolist() == [0, 2, 0, 4, 5]


def test_a_scaled_gradient_leaves_the_value():
    value, [found] = gradients(lambda x: gradient.scaled_gradient(x, 0.25), X)
    assert np.array_equal(value, X)
    assert np.array_equal(found, UPSTREAM / 4)


def test_a_learned_step():
    step = np.float32(0.5)
    value, [of_x, of_step] = gradients(lambda x, step: gradient.learned_step(x, step, -3, 3), X, step)
    # v = -4, -1.2, 0.4, 1.4, 6
    assert value.tolist() == [-1.5, -0.5, 0.0, 0.5, 1.5]
    assert of_x.tolist() == [0, 2, 3, 4, 0]
    expected = np.dot(UPSTREAM, [-3, 0.2, -0.4, -0.4, 3]) / np.sqrt(3 * 5)
    np.testing.assert_allclose(of_step, expected, rtol=1e-6)  # float32 sums


def test_a_step_a_channel_counts_its_own_numbers():
    x = tf.ones((6, 2)) * 9.0
    step = tf.constant([1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(step)
        value = tf.reduce_sum(gradient.learned_step(x, step, -2, 2))
    np.testing.assert_allclose(tape.gradient(value, step), np.full(2, 6 * 2 / np.sqrt(2 * 6)), rtol=1e-6)


def test_a_learned_limit():
    limit = np.float32(1.5)
    value, [of_x, of_limit] = gradients(lambda x, limit: gradient.learned_limit(x, limit, 2), X, limit)
    assert value.tolist() == [0, 0, 0, 0.5, 1.5]
    assert of_x.tolist() == [0, 0, 3, 4, 0]
    assert of_limit == 5.0


def test_in_a_graph_and_compiled():
    numeric = number_format("mxfp4{4}")
    for compiled in (False, True):

        @tf.function(jit_compile=compiled)
        def both(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                value = gradient.straight_through(numeric.round, x)
            return value, tape.gradient(value, x)

        value, found = both(tf.constant(X))
        assert np.array_equal(value, numeric.round(X))
        assert np.array_equal(found, np.ones(5))
