"""Tests of replacing layers by those that compute an approximated operator."""

import keras
import numpy as np
import pytest

from source.config.errors import UnknownNameError
from source.layer.approximation.grammar import approximation
from source.layer.approximation.layers import (
    ApproximateLayerNormalization,
    ApproximateRMSNormalization,
    ApproximateSoftmax,
)
from source.layer.approximation.replace import replace_operator
from tests.layer.approximation import half


@pytest.mark.parametrize(
    ("layer", "name", "kind"),
    [
        (keras.layers.Softmax(axis=1, name="attention"), "SOFTMAX(base2,float16)", ApproximateSoftmax),
        (keras.layers.LayerNormalization(epsilon=1e-6), "LAYERNORM(quake3,float16)", ApproximateLayerNormalization),
        (keras.layers.LayerNormalization(center=False), "layernorm", ApproximateLayerNormalization),
        (keras.layers.RMSNormalization(dtype="mixed_bfloat16"), "rmsnorm", ApproximateRMSNormalization),
    ],
)
def test_layers_are_replaced_with_their_settings_and_weights(layer, name, kind):
    x = half.logits((4, 6))
    layer(x)
    layer.set_weights([weight + 0.5 for weight in layer.get_weights()])
    found = replace_operator(layer, name)
    assert type(found) is kind
    assert found.approximation == approximation(name)
    expected = {**layer.get_config(), "approximation": str(approximation(name))}
    assert found.get_config() == expected
    found.build(x.shape)
    found.set_weights(layer.get_weights())
    assert [weight.name for weight in found.weights] == [weight.name for weight in layer.weights]
    assert np.abs(np.float32(found(x)) - np.float32(layer(x))).max() < 3e-2


@pytest.mark.parametrize(
    ("activation", "name"),
    [
        ("gelu", "gelu"),
        ("softmax", "softmax<poly2,int>"),
        ("silu", "silu"),
        ("swish", "silu<base2,float16>"),
        ("sigmoid", "sigmoid"),
        ("tanh", "tanh"),
        ("exponential", "exp"),
    ],
)
def test_activations_are_replaced(activation, name):
    for layer in (keras.layers.Activation(activation), keras.layers.Dense(5, activation=activation)):
        found = replace_operator(layer, name)
        assert type(found) is type(layer)
        assert found.name == layer.name
        assert found.activation == approximation(name)
        assert keras.activations.get(activation) is layer.activation  # the given layer is left as it is


def test_both_activations_of_recurrent_layers_are():
    layer = keras.layers.LSTM(3)
    assert replace_operator(layer, "sigmoid").recurrent_activation == approximation("sigmoid")
    found = replace_operator(replace_operator(layer, "sigmoid"), "tanh")
    assert found.activation == approximation("tanh")
    assert found.recurrent_activation == approximation("sigmoid")
    assert found(half.logits((2, 4, 3))).shape == (2, 3)


def test_what_is_approximated_gets_the_new_one():
    layer = replace_operator(keras.layers.Softmax(), "softmax")
    assert replace_operator(layer, "softmax<poly2,int>").approximation == approximation("softmax<poly2,int>")
    layer = replace_operator(keras.layers.Dense(3, activation="silu"), "silu")
    assert replace_operator(layer, "silu<base2,int>").activation == approximation("silu<base2,int>")


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (keras.layers.Dense(3), "gelu"),
        (keras.layers.Dense(3, activation="relu"), "gelu"),
        (keras.layers.Softmax(), "gelu"),
        (keras.layers.Softmax(), "NONE"),
        (keras.layers.LayerNormalization(), "rmsnorm"),
        (keras.layers.Flatten(), "softmax"),
        (keras.layers.Dense(3), "rsqrt"),
    ],
)
def test_layers_without_the_operator_are_not(layer, name):
    assert replace_operator(layer, name) is None


def test_an_unknown_name_is_an_error_whatever_the_layer():
    with pytest.raises(UnknownNameError, match="Did you mean `softmax`"):
        replace_operator(keras.layers.Flatten(), "softmx")


def test_a_model_is_cloned_with_replacements():
    inputs = keras.Input((6,))
    x = keras.layers.Dense(8, activation="gelu")(inputs)
    x = keras.layers.LayerNormalization()(x)
    model = keras.Model(inputs, keras.layers.Softmax()(x))

    def replaced(layer):
        for name in ("gelu", "layernorm", "softmax"):
            if found := replace_operator(layer, name):
                return found
        return layer.from_config(layer.get_config())

    clone = keras.models.clone_model(model, clone_function=replaced)
    clone.set_weights(model.get_weights())
    data = half.logits((16, 6))
    assert [type(layer).__name__ for layer in clone.layers[2:]] == [
        "ApproximateLayerNormalization",
        "ApproximateSoftmax",
    ]
    assert 0 < np.abs(clone(data) - model(data)).max() < 3e-2
