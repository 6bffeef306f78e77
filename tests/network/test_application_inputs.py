"""Tests of input conventions against those that Keras itself applies."""

import keras
import numpy as np
import pytest

from source.config.errors import ConfigError
from source.network import _application_inputs
from source.network.keras_application import applications


def preprocess_of_keras(application):
    """Returns the `preprocess_input` of the module of `keras.applications` that has the application."""
    if application.startswith("MobileNetV3"):
        return keras.applications.mobilenet_v3.preprocess_input
    for module in vars(keras.applications).values():
        if hasattr(module, "preprocess_input") and hasattr(module, application):
            return module.preprocess_input
    raise LookupError(application)


def prepared(application, x):
    inputs = keras.Input(x.shape[1:])
    outputs = _application_inputs.from_pixels(inputs, application)
    return keras.Model(inputs, outputs) if outputs is not inputs else None


@pytest.mark.parametrize("application", applications())
def test_every_application_gets_what_its_own_function_gives(application):
    x = np.random.default_rng(0).uniform(0, 255, (2, 4, 5, 3)).astype("float32")
    expected = preprocess_of_keras(application)(x.copy())
    model = prepared(application, x)
    got = x if model is None else model.predict(x, verbose=0)
    # Values up to 152 in float32, scaled in another order of operations.
    assert np.allclose(got, expected, rtol=1e-6, atol=2e-6)


@pytest.mark.parametrize("application", ["MobileNetV2", "DenseNet121", "ResNet50"])
def test_the_layers_have_no_weights_and_compute_in_float32(application):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = prepared(application, np.zeros((1, 4, 5, 3)))
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.weights == []
    assert {layer.compute_dtype for layer in model.layers[1:]} == {"float32"}
    assert all(layer.name.startswith("input_") for layer in model.layers[1:])


def test_an_application_that_is_not_known_asks_for_native_inputs():
    with pytest.raises(ConfigError, match='`input_convention` must be "native" for HoloNet'):
        _application_inputs.convention("HoloNet")
