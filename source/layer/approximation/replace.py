"""Takes a layer and the name of an approximation, and gives the layer that computes it so."""

from collections.abc import Callable
from typing import Any

import keras

from source.layer.approximation.exponential import ExponentialApproximation
from source.layer.approximation.gelu import GeluApproximation
from source.layer.approximation.grammar import approximation
from source.layer.approximation.layers import (
    ApproximateLayerNormalization,
    ApproximateRMSNormalization,
    ApproximateSoftmax,
)
from source.layer.approximation.normalization import LayerNormalizationApproximation, RootMeanSquareApproximation
from source.layer.approximation.operator import Approximation
from source.layer.approximation.sigmoid import SigmoidApproximation, SiluApproximation, TanhApproximation
from source.layer.approximation.softmax import SoftmaxApproximation

_LAYERS: dict[type[Approximation], tuple[type[keras.Layer], type[keras.Layer]]] = {
    SoftmaxApproximation: (keras.layers.Softmax, ApproximateSoftmax),
    LayerNormalizationApproximation: (keras.layers.LayerNormalization, ApproximateLayerNormalization),
    RootMeanSquareApproximation: (keras.layers.RMSNormalization, ApproximateRMSNormalization),
}
_FUNCTIONS: dict[type[Approximation], Callable[..., Any]] = {
    SoftmaxApproximation: keras.activations.softmax,
    GeluApproximation: keras.activations.gelu,
    SigmoidApproximation: keras.activations.sigmoid,
    SiluApproximation: keras.activations.silu,
    TanhApproximation: keras.activations.tanh,
    ExponentialApproximation: keras.activations.exponential,
}
_SETTINGS = ("activation", "recurrent_activation")


def replace_operator(layer: keras.Layer, name: str | Approximation) -> keras.Layer | None:
    """Returns a layer of the same settings and weights that computes an operator approximately.

    Softmax and normalizing layers are replaced by those of `source.layer.approximation.layers`; a layer with an
    activation of that operator, such as `Dense(activation="gelu")`, by one of its own kind with the approximation as
    its activation. What is approximated already gets the approximation named now.

    Args:
        layer: is left as it is.
        name: of the approximation, or the operator; "NONE" replaces nothing.

    Returns:
        The new layer, not built, with the name of the old; None when the layer does not compute the operator.
    """
    if isinstance(name, str) and name.strip().upper() == "NONE":
        return None
    operator = approximation(name)
    exact, approximate = _LAYERS.get(type(operator), (None, None))
    if approximate is not None and type(layer) in (exact, approximate):
        return _as_layer(layer, approximate, operator)
    return _with_activation(layer, operator)


def _as_layer(layer: keras.Layer, kind: type[keras.Layer], operator: Approximation) -> keras.Layer | None:
    config = layer.get_config()
    if config.get("rms_scaling"):
        return None  # neither of the two normalizations
    return kind.from_config({**config, "approximation": str(operator)})


def _with_activation(layer: keras.Layer, operator: Approximation) -> keras.Layer | None:
    """Returns the layer with the activations of an operator replaced; None when it has none."""
    config = layer.get_config()
    settings = [each for each in _SETTINGS if each in config and _computes(getattr(layer, each, None), operator)]
    if not settings:
        return None
    serialized = keras.saving.serialize_keras_object(operator)
    return type(layer).from_config({**config, **dict.fromkeys(settings, serialized)})


def _computes(activation: Any, operator: Approximation) -> bool:
    """Returns whether an activation is the exact operator or an approximation of it."""
    exact = _FUNCTIONS.get(type(operator))
    return type(activation) is type(operator) or (exact is not None and activation is exact)
