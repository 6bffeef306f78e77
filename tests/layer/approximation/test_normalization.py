"""Tests of layer and root mean square normalization."""

import numpy as np
import pytest
import tensorflow as tf

from source.config.errors import ConfigError
from source.layer.approximation.grammar import approximation
from source.layer.approximation.normalization import LayerNormalizationApproximation
from tests.layer.approximation import half

RANDOM = np.random.default_rng(4)
GAMMA, BETA = RANDOM.normal(size=(2, 96)).astype(np.float32)


@pytest.mark.parametrize("epsilon", [1e-3, 1e-5, 1e-12, 2.0**-126])
@pytest.mark.parametrize("kind", [np.float16, np.float32])
@pytest.mark.parametrize("algorithm", ["quake3", "legacy", "fallback"])
def test_it_has_the_bits_of_arithmetic_in_its_numbers(algorithm, kind, epsilon):
    x = half.logits((64, 96)) + 1
    function = approximation(f"layernorm<{algorithm},4,{kind.__name__}>")
    expected = half.layer_normalization(x, GAMMA, BETA, algorithm, epsilon, kind=kind)
    assert np.array_equal(function.approximate(tf.constant(x), GAMMA, BETA, epsilon=epsilon), np.float32(expected))


@pytest.mark.parametrize("algorithm", ["quake3", "legacy", "fallback"])
def test_several_axes_and_no_weights(algorithm):
    x = half.logits((4, 6, 8))
    function = approximation(f"layernorm<{algorithm},4,float16>")
    for axis in ((1, 2), (0, 2), 1):
        expected = half.layer_normalization(x, 1.0, 0.0, algorithm, 1e-5, axis=axis)
        assert np.array_equal(function.approximate(tf.constant(x), axis=axis), np.float32(expected))


def test_weights_lie_along_their_axes():
    x, weights = half.logits((4, 6, 8)), RANDOM.normal(size=(2, 4, 8)).astype(np.float32)
    expected = half.layer_normalization(
        x, weights[0].reshape(4, 1, 8), weights[1].reshape(4, 1, 8), "legacy", 1e-5, axis=(0, 2)
    )
    found = approximation("layernorm").approximate(tf.constant(x), *weights, axis=(-1, 0))
    assert np.array_equal(found, np.float32(expected))


def test_the_norm_divides_the_numbers():
    x = half.logits((8, 96)) * 60  # whose squares leave float16
    for norm in (6, 8):
        function = LayerNormalizationApproximation("fallback", "float16", norm)
        expected = half.layer_normalization(x, GAMMA, BETA, "fallback", 1e-5, norm=norm)
        assert np.array_equal(function.approximate(tf.constant(x), GAMMA, BETA), np.float32(expected))
    with pytest.raises(ConfigError, match=r"`norm` must be in \[0, 15\]. Received: norm=16."):
        LayerNormalizationApproximation("fallback", "float16", 16)


@pytest.mark.parametrize("algorithm", ["quake3", "legacy"])
@pytest.mark.parametrize("epsilon", [1e-3, 1e-6])
def test_root_mean_squares_have_the_bits_of_half_precision_arithmetic(algorithm, epsilon):
    x = half.logits((64, 96)) + 1
    found = approximation(f"rmsnorm<{algorithm},float16>").approximate(tf.constant(x), GAMMA, epsilon=epsilon)
    assert np.array_equal(found, half.rms_normalization(x, GAMMA, algorithm, epsilon).astype(np.float32))


@pytest.mark.parametrize("name", ["quake3,4,float16", "legacy,4,float32", "fallback,4,float16"])
def test_rows_of_one_number_give_the_summand(name):
    x = np.repeat(np.float32([0, 1, 3.3, -60000, 0.001]), 96).reshape(5, 96)
    found = approximation(f"layernorm<{name}>").approximate(tf.constant(x), GAMMA, BETA).numpy()
    assert np.isfinite(found).all()
    if "fallback" not in name:  # whose mean is rounded twice
        assert np.array_equal(found, np.broadcast_to(BETA.astype(name.split(",")[2]).astype(np.float32), found.shape))


def test_gradients_of_weights_are_exact():
    x, function = tf.constant(half.logits((8, 96))), approximation("layernorm<quake3,float16>")
    found = []
    for each in (function, function.exact):
        gamma, beta = tf.Variable(GAMMA), tf.Variable(BETA)
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(each(x, gamma, beta) * half.logits((8, 96), seed=2))
        found.append([gradient.numpy() for gradient in tape.gradient(value, [gamma, beta])])
    assert np.array_equal(found[0], found[1])


def test_an_axis_of_unknown_size_is_refused():
    @tf.function(input_signature=[tf.TensorSpec((2, None), tf.float32)], autograph=False)
    def normalized(x):
        return approximation("layernorm").approximate(x)

    with pytest.raises(ConfigError, match=r"must have known sizes. Received: shape=\(2, None\), axis=-1."):
        normalized(tf.ones((2, 3)))
