"""Tests of the layers that compute approximated operators."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from source.config.errors import ConfigError
from source.layer.approximation.grammar import approximation
from source.layer.approximation.layers import (
    ApproximateLayerNormalization,
    ApproximateRMSNormalization,
    ApproximateSoftmax,
)
from tests.layer.approximation import half

X = half.logits((8, 12))


def gradients(layer: keras.Layer, x: np.ndarray, **options) -> list[np.ndarray]:
    """Returns the gradients of input and weights."""
    tensor = tf.constant(x)
    layer(tensor, **options)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        value = tf.reduce_sum(layer(tensor, **options) * half.logits(x.shape, seed=1))
    weights = [weight.value for weight in layer.trainable_weights]
    return [found.numpy() for found in tape.gradient(value, [tensor, *weights])]


@pytest.mark.parametrize(
    ("approximate", "exact"),
    [
        (ApproximateSoftmax, keras.layers.Softmax),
        (ApproximateLayerNormalization, keras.layers.LayerNormalization),
        (ApproximateRMSNormalization, keras.layers.RMSNormalization),
    ],
)
def test_values_are_approximate_and_gradients_exact(approximate, exact):
    layer, plain = approximate(), exact()
    assert all(map(np.array_equal, gradients(layer, X), gradients(plain, X)))
    error = np.abs(layer(X) - plain(X)).max()
    assert 0 < error < 2e-2
    options = {} if "Softmax" in approximate.__name__ else {"epsilon": layer.epsilon}
    assert np.array_equal(layer(X), layer.approximation(X, **options))


@pytest.mark.parametrize("axis", [-1, 1, (1, 2), [2]])
def test_softmax_has_axes(axis):
    x = half.logits((3, 4, 5))
    layer = ApproximateSoftmax("softmax<poly2,int>", axis=axis)
    assert np.array_equal(layer(x), approximation("softmax<poly2,int>").approximate(tf.constant(x), axis=axis))


@pytest.mark.parametrize("dtype", [bool, np.int32, np.float32])
def test_softmax_masks(dtype):
    mask = np.random.default_rng(0).random((8, 12)) < 0.6
    mask[2] = False
    layer, plain = ApproximateSoftmax(), keras.layers.Softmax()
    found = layer(X, mask=mask.astype(dtype)).numpy()
    assert not found[~mask].any()
    assert np.array_equal(found[0][mask[0]], layer(X[0][mask[0]][None])[0])
    mine, theirs = gradients(layer, X, mask=mask), gradients(plain, X, mask=mask)
    assert np.array_equal(mine, theirs)


def test_a_mask_of_another_shape_is_told_by_keras():
    with pytest.raises(ValueError, match="broadcastable"):
        ApproximateSoftmax()(X, mask=np.ones((8, 5), bool))


@pytest.mark.parametrize("axis", [-1, 1, [1, 2]])
def test_normalization_has_axes(axis):
    x = half.logits((3, 4, 5)) * 2 + 1
    layer, plain = ApproximateLayerNormalization("layernorm<legacy,float32>", axis=axis), None
    layer(x)
    layer.set_weights([np.random.default_rng(2).normal(size=weight.shape) for weight in layer.weights])
    plain = keras.layers.LayerNormalization(axis=axis)
    plain(x)
    plain.set_weights(layer.get_weights())
    np.testing.assert_allclose(layer(x), plain(x), atol=3e-6)  # the same float32 formulas in another order


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16", "float64"])
def test_policies_of_types(policy):
    for kind in (ApproximateSoftmax, ApproximateLayerNormalization, ApproximateRMSNormalization):
        layer = kind(dtype=policy)
        assert keras.backend.standardize_dtype(layer(X).dtype) == layer.compute_dtype


def test_a_model_trains_is_saved_and_comes_back(tmp_path):
    inputs = keras.Input((12,))
    x = keras.layers.Dense(6, activation=approximation("gelu"))(inputs)
    x = ApproximateLayerNormalization("layernorm<fallback,3,float16>")(x)
    x = ApproximateRMSNormalization(approximation("rmsnorm<quake3,float32>"))(x)
    x = keras.layers.Activation(approximation("silu<base2,int>"))(x)
    model = keras.Model(inputs, ApproximateSoftmax("softmax<poly2,int>", axis=-1)(x))
    model.compile("sgd", "mse", jit_compile=False)
    before = model.get_weights()
    model.fit(X, np.ones((8, 6)), verbose=0)
    # RMS and layer normalization alike: all weights learn.
    assert all((old != new).any() for old, new in zip(before, model.get_weights(), strict=True))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert np.array_equal(model(X), loaded(X))
    assert [str(loaded.layers[place].approximation) for place in (2, 3, 5)] == [
        "layernorm<fallback,3,float16>",
        "rmsnorm<quake3,float32>",
        "softmax<poly2,int>",
    ]
    assert loaded.layers[1].activation == approximation("gelu")
    assert loaded.layers[4].activation == approximation("silu<base2,int>")


def test_what_does_not_fit_is_refused():
    with pytest.raises(ConfigError, match=r"must be one of `softmax`. Received: approximation=`gelu<poly2,float16>`."):
        ApproximateSoftmax("gelu")
    with pytest.raises(ConfigError, match=r"has no approximation. Received: rms_scaling=True."):
        ApproximateLayerNormalization(rms_scaling=True)
