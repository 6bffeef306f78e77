"""Tests of weights under masks and of the gradients of each rule."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from source.config.errors import ConfigError, UnknownNameError
from source.sparsity.backward import RULES, check_rule, masked

W = np.float32([[0.5, -2.0], [3.0, 0.25]])
MASK = np.array([[True, False], [False, True]])
SCORES = np.float32([[0.9, 0.1], [0.2, 0.8]])
UPSTREAM = np.float32([[1, 2], [3, 4]])
KEPT = np.float32([[0.5, 0.0], [0.0, 0.25]])

OF_WEIGHT = {
    "masked": UPSTREAM * MASK,
    "ste": UPSTREAM,
    "sr_ste": np.float32([[1, 2 + 0.25 * -2.0], [3 + 0.25 * 3.0, 4]]),
    "supermask": None,
    "joint": UPSTREAM * MASK,
}
OF_SCORES = {"supermask": UPSTREAM * W, "joint": UPSTREAM * W}


def value_and_gradients(rule, w, scores):
    with tf.GradientTape() as tape:
        tape.watch([w, scores])
        value = masked(w, MASK, rule, scores if rule in OF_SCORES else None, decay=0.25)
        loss = tf.reduce_sum(value * UPSTREAM)
    return value, tape.gradient(loss, [w, scores])


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("mode", ["eager", "graph", "compiled"])
def test_values_and_gradients_of_every_rule(rule, mode):
    run = value_and_gradients
    if mode != "eager":
        run = tf.function(run, jit_compile=mode == "compiled", autograph=False)
    value, (of_w, of_scores) = run(rule, tf.constant(W), tf.constant(SCORES))
    assert np.array_equal(value, KEPT)
    for found, expected in ((of_w, OF_WEIGHT[rule]), (of_scores, OF_SCORES.get(rule))):
        assert (found is None) == (expected is None)
        assert expected is None or np.array_equal(found, expected)


def test_the_decay_of_sr_ste_is_that_of_the_paper():
    w = tf.constant([1.0, -1000.0])
    with tf.GradientTape() as tape:
        tape.watch(w)
        value = tf.reduce_sum(masked(w, [True, False], "sr_ste"))
    assert tape.gradient(value, w).numpy().tolist() == [1.0, np.float32(1.0) + np.float32(-1000.0) * np.float32(2e-4)]


def test_infinity_and_nan_under_the_mask_are_zero():
    value = masked(np.float32([np.nan, np.inf, 2.0]), [False, False, True])
    assert value.numpy().tolist() == [0.0, 0.0, 2.0]


@pytest.mark.parametrize("rule", RULES)
def test_variables_of_half_precision_keep_their_type(rule):
    w = keras.Variable(W, dtype="bfloat16")
    scores = keras.Variable(SCORES, dtype="bfloat16") if rule in OF_SCORES else None
    with tf.GradientTape() as tape:
        value = masked(w, MASK, rule, scores)
    learning = scores if rule == "supermask" else w
    assert value.dtype == "bfloat16"
    assert tape.gradient(value, learning.value).dtype == "bfloat16"


@pytest.mark.parametrize("rule", ["masked", "ste"])
@pytest.mark.parametrize("dtype", ["bool", "float32"])
def test_masks_may_be_variables(rule, dtype):
    assert np.array_equal(masked(W, keras.Variable(MASK, dtype=dtype), rule), KEPT)


def test_a_model_with_a_mask_trains_where_it_lives():
    class Masked(keras.layers.Dense):
        def call(self, inputs):
            mask = np.arange(12).reshape(4, 3) % 2 == 0
            return keras.ops.matmul(inputs, masked(self.kernel, mask))

    layer = Masked(3, use_bias=False)
    model = keras.Sequential([keras.Input((4,)), layer])
    model.compile("sgd", "mse")
    before = layer.kernel.numpy()
    model.fit(np.ones((8, 4)), np.ones((8, 3)), epochs=1, verbose=0)
    changed = layer.kernel.numpy() != before
    assert np.array_equal(changed.reshape(-1), np.arange(12) % 2 == 0)


def test_mistakes_are_refused():
    with pytest.raises(
        UnknownNameError, match=r"`rule` must be a rule of gradients. Received: rule='sr-ste'. Did you mean `sr_ste`"
    ):
        masked(W, MASK, "sr-ste")
    with pytest.raises(UnknownNameError, match=r"Received: rule='x'. Known: joint, masked, sr_ste, ste, supermask."):
        check_rule("x")
    with pytest.raises(ConfigError, match=r"A mask must have the shape of the weight, \(2, 2\). Received: \(2,\)."):
        masked(W, MASK[0])
    with pytest.raises(ConfigError, match=r"rule='joint' needs `scores`, which learn. Received: scores=None."):
        masked(W, MASK, "joint")
    with pytest.raises(ConfigError, match=r"`scores` have no effect when rule='ste'; leave them out."):
        masked(W, MASK, "ste", SCORES)
    with pytest.raises(ConfigError, match=r"`scores` must have the shape of the weight, \(2, 2\). Received: \(2,\)."):
        masked(W, MASK, "joint", SCORES[0])
    with pytest.raises(ConfigError, match=r"`decay` must not be negative. Received: decay=-1.0."):
        masked(W, MASK, "sr_ste", decay=-1.0)
