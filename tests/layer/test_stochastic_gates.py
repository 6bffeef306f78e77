"""Tests of `source.layer.stochastic_gates`: gates and their gradients by the formulas."""

import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from source.config.errors import ConfigError
from source.layer.stochastic_gates import StochasticGates
from source.numeric.noise import logistic

X = np.zeros((2, 3), np.float32)
LOGITS = np.asarray([0.4, -0.7, 3.0, 3.0, -2.0], np.float32)  # in groups of 3 and 2
LARGEST = np.asarray([False, False, True, True, False])


def built(logits=LOGITS, **settings):
    layer = StochasticGates([3, 2], name="gates", **settings)
    layer.build(X.shape)
    layer.built = True
    layer.add_to_loss(lambda thresholds: 0.0 * ops.sum(thresholds))
    layer.logits.assign(logits)
    return layer


def array(x):
    return np.asarray(ops.convert_to_numpy(x))


def noise(step, seed=0):
    return array(logistic(5, seed, step)).astype(np.float64)


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x.astype(np.float64)))


def test_a_gate_of_training_is_the_sigmoid_of_logit_and_noise():
    layer = built(temperature=0.5, seed=7)
    for step in range(3):
        np.testing.assert_array_equal(layer(X, training=True), X)
        expected = np.where(LARGEST, 1.0, sigmoid((LOGITS + noise(step, 7)) / 0.5))
        # float32: the logarithm and the exponential are good to some ulps.
        np.testing.assert_allclose(array(layer.mask(training=True)), expected, rtol=2e-6)
        np.testing.assert_array_equal(array(layer.mask(training=True)), array(layer.mask(training=True)))
    assert int(layer.draws) == 3


@pytest.mark.parametrize("straight_through", [False, True])
def test_gradients_are_those_of_the_sigmoid_but_for_the_largest(straight_through):
    layer = built(temperature=0.5, straight_through=straight_through)
    layer(X, training=True)
    with tf.GradientTape() as tape:
        mask = layer.mask(training=True)
        total = tf.reduce_sum(mask * [1.0, 2.0, 3.0, 4.0, 5.0])
    score = LOGITS + noise(0)
    if straight_through:
        np.testing.assert_array_equal(array(mask), np.where(LARGEST | (score > 0), 1.0, 0.0))
    s = sigmoid(score / 0.5)
    expected = np.where(LARGEST, 0.0, s * (1.0 - s) / 0.5 * [1.0, 2.0, 3.0, 4.0, 5.0])
    np.testing.assert_allclose(tape.gradient(total, layer.logits.value), expected, rtol=1e-4)  # of 1 - s near 1


def test_gates_of_inference_are_open_by_the_sign_of_the_logit():
    expected = np.where(LARGEST, 1.0, np.where(LOGITS > 0, sigmoid(LOGITS), 0.0))
    np.testing.assert_allclose(array(built().mask(training=False)), expected, rtol=1e-6)
    hard = built(soft_mask=False)
    np.testing.assert_array_equal(array(hard.mask(training=False)), [1.0, 0.0, 1.0, 1.0, 0.0])
    np.testing.assert_array_equal(hard.settled(), np.ones(5))
    np.testing.assert_allclose(built().settled(), np.where(LARGEST, 1.0, sigmoid(LOGITS)), rtol=1e-6)
    np.testing.assert_allclose(array(built().probabilities()), sigmoid(LOGITS), rtol=1e-6)


@pytest.mark.parametrize("training", [True, False])
def test_one_gate_of_every_group_is_open_the_first_of_equal_logits(training):
    layer = built([-90.0, -80.0, -80.0, -90.0, -90.0], temperature=1.0)
    layer(X, training=True)
    # sigmoid(-80 + 16) is below 1e-27.
    np.testing.assert_allclose(array(layer.mask(training)), [0.0, 1.0, 0.0, 1.0, 0.0], atol=1e-27)


def test_logits_at_the_start_open_92_of_100_gates():
    layer = StochasticGates([20000], straight_through=True)
    layer.build(X.shape)
    layer.add_to_loss(lambda thresholds: 0.0)
    np.testing.assert_array_equal(array(layer.logits), np.full(20000, 2.5))
    layer.built = True
    layer(X, training=True)
    # Four standard deviations: 4 sqrt(0.924 0.076 / 20000).
    assert array(layer.mask(training=True)).mean() == pytest.approx(0.9241, abs=0.0075)


def test_the_temperature_falls_to_a_tenth():
    layer = built(temperature=2.0, annealing_steps=2)
    for step, temperature in enumerate((2.0, 2.0 * 0.1**0.5, 0.2)):
        layer(X, training=True)
        expected = np.where(LARGEST, 1.0, sigmoid((LOGITS + noise(step)) / temperature))
        np.testing.assert_allclose(array(layer.mask(training=True)), expected, rtol=1e-5)


def test_all_calls_in_one_call_of_the_model_have_the_same_noise():
    layer, seen = built(calls=2), []
    for _ in range(4):
        layer(X, training=True)
        seen.append(array(layer.noise))
    np.testing.assert_array_equal(seen[0], seen[1])
    np.testing.assert_array_equal(seen[2], seen[3])
    assert not np.isin(seen[0], seen[2]).any()


def test_inference_draws_nothing():
    layer = built()
    layer(X, training=False)
    assert int(layer.draws) == 0 and not array(layer.noise).any()


def test_noise_is_the_same_in_a_graph_compiled_or_not():
    for compiled in (False, True):
        layer = built(temperature=0.5)
        tf.function(lambda layer=layer: layer(X, training=True), jit_compile=compiled)()
        np.testing.assert_allclose(array(layer.noise), noise(0), rtol=1e-6)  # a logarithm may differ in its last bit
        assert int(layer.draws) == 1


def test_what_it_says_of_itself():
    settings = {"temperature": 0.5, "straight_through": True, "log_odds_init": 1.0, "annealing_steps": 3}
    layer = built(**settings, soft_mask=False, seed=4, calls=2)
    expected = {**settings, "soft_mask": False, "seed": 4, "calls": 2, "widths": [3, 2], "name": "gates", "owner": ""}
    assert layer.get_config() == expected
    assert StochasticGates.from_config(expected).get_config() == expected
    assert layer.description == "3 of 5 gates open, loss of channels, strength 0"
    assert [each.name for each in layer.trainable_variables] == ["logits"]
    with pytest.raises(ConfigError, match=r"`temperature` must be positive. Received: temperature=0."):
        StochasticGates([1], temperature=0)
