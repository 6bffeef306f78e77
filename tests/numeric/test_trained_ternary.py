"""Tests of trained ternary quantization."""

import numpy as np
import pytest
import tensorflow as tf

from source.config.errors import ConfigError
from source.numeric import number_format
from source.numeric.trained_ternary import trained_ternary

X = np.float32([-2.0, -0.11, -0.1, 0.05, 0.2, 1.0])  # the border is 0.05 * 2 = 0.1
UPSTREAM = np.float32([1, 2, 3, 4, 5, 6])


def gradients(x, positive, negative, upstream, **settings):
    tensors = [tf.Variable(number) for number in (x, positive, negative)]
    with tf.GradientTape() as tape:
        value = trained_ternary(*(tensor.value() for tensor in tensors), **settings)
        loss = tf.reduce_sum(value * upstream)
    return value.numpy(), [found.numpy() for found in tape.gradient(loss, tensors)]


def test_values_and_gradients_by_region():
    value, [of_x, of_p, of_q] = gradients(X, np.float32(1.5), np.float32(0.5), UPSTREAM)
    assert value.tolist() == [-0.5, -0.5, 0, 0, 1.5, 1.5]
    assert of_x.tolist() == [0.5 * 1, 0.5 * 2, 3, 4, 1.5 * 5, 1.5 * 6]
    assert of_p == 5 + 6
    assert of_q == -(1 + 2)


def test_a_channel_has_its_own_scales_and_border():
    x = np.stack([X, X * 10], axis=1)
    p, q = np.float32([1, 2]), np.float32([3, 4])
    value, [of_x, of_p, of_q] = gradients(x, p, q, np.stack([UPSTREAM, UPSTREAM], axis=1))
    assert value[:, 0].tolist() == [-3, -3, 0, 0, 1, 1]
    assert value[:, 1].tolist() == [-4, -4, 0, 0, 2, 2]
    assert of_x[:, 1].tolist() == [4, 8, 3, 4, 10, 12]
    assert (of_p.tolist(), of_q.tolist()) == ([11, 11], [-3, -3])


def test_the_gradients_are_those_of_differences():
    p, q, step = np.float32(1.5), np.float32(0.5), np.float32(0.25)
    _, [_, of_p, of_q] = gradients(X, p, q, UPSTREAM)

    def loss(p, q):
        return np.dot(trained_ternary(tf.constant(X), p, q).numpy(), UPSTREAM)

    assert (loss(p + step, q) - loss(p, q)) / step == of_p
    assert (loss(p, q + step) - loss(p, q)) / step == of_q


def test_what_was_learned_fits_a_codebook():
    value = trained_ternary(tf.constant(X), 1.5, 0.5).numpy()
    stored = number_format("codebook<-0.5,0,1.5>")
    assert np.array_equal(stored.round(value), value)
    assert len(stored.encode(value)) == 2  # six numbers of two bits


def test_nan_stays_and_infinity_takes_the_border_along():
    assert np.isnan(trained_ternary(tf.constant([np.nan, 1.0]), 1.0, 1.0).numpy()).tolist() == [True, False]
    assert trained_ternary(tf.constant([np.inf, 1.0]), 2.0, 1.0).numpy().tolist() == [2.0, 0.0]


@pytest.mark.parametrize("compiled", [False, True])
def test_in_a_graph(compiled):
    @tf.function(jit_compile=compiled)
    def both(x, p):
        with tf.GradientTape() as tape:
            tape.watch([x, p])
            value = trained_ternary(x, p, p, threshold=0.3)
        return value, tape.gradient(value, [x, p])

    value, [of_x, of_p] = both(tf.constant(X), tf.constant(1.5))
    assert value.numpy().tolist() == [-1.5, 0, 0, 0, 0, 1.5]
    assert of_x.numpy().tolist() == [1.5, 1, 1, 1, 1, 1.5]
    assert of_p == 0.0  # one number became p, one -p


@pytest.mark.parametrize(
    ("positive", "negative", "threshold", "message"),
    [
        (1.0, 1.0, 1.0, r"`threshold` must be in \[0, 1\). Received: threshold=1.0."),
        (1.0, [1.0], 0.1, r"must have one shape, .* Received: shapes \(\) and \(1,\) for \(6,\)."),
        ([1.0, 2.0], [1.0, 2.0], 0.1, r"broadcasts with x. Received: shapes \(2,\) and \(2,\) for \(6,\)."),
        ([[1.0]], [[1.0]], 0.1, r"broadcasts with x. Received: shapes \(1, 1\) and \(1, 1\) for \(6,\)."),
    ],
)
def test_impossible_settings_are_refused(positive, negative, threshold, message):
    with pytest.raises(ConfigError, match=message):
        trained_ternary(tf.constant(X), positive, negative, threshold)
