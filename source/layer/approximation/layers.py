"""Layers that take the place of Keras' own, with the same weights, and compute an approximated operator."""

from typing import Any

import keras
from keras import ops

from source.config.errors import ConfigError
from source.layer.approximation._arithmetic import Tensor
from source.layer.approximation.grammar import approximation as read
from source.layer.approximation.normalization import LayerNormalizationApproximation, RootMeanSquareApproximation
from source.layer.approximation.operator import Approximation, with_gradient_of
from source.layer.approximation.softmax import SoftmaxApproximation, without_infinity


@keras.saving.register_keras_serializable(package="espalier")
class ApproximateSoftmax(keras.layers.Softmax):
    """`keras.layers.Softmax` whose value is approximate and whose gradient is exact.

    Args:
        approximation: name of the operator, or the operator.
        **options: those of `keras.layers.Softmax`.
    """

    def __init__(self, approximation: str | Approximation = "softmax", **options: Any) -> None:
        super().__init__(**options)
        self.approximation = _of_kind(approximation, SoftmaxApproximation)

    def call(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """Returns about the softmax along the axis; zero where the mask is.

        Args:
            inputs: floating point numbers of any shape.
            mask: what counts, broadcasts with the inputs.
        """
        exact = super().call(without_infinity(inputs), mask)
        if mask is None:
            return with_gradient_of(exact, self.approximation.approximate(inputs, axis=self.axis))
        kept = mask if keras.backend.standardize_dtype(mask.dtype) == "bool" else ops.cast(mask, "float32") > 0.5
        value = self.approximation.approximate(ops.where(kept, inputs, float("-inf")), axis=self.axis)
        return with_gradient_of(exact, ops.where(kept, value, 0.0))

    def get_config(self) -> dict[str, Any]:
        """Returns the settings, for Keras to save."""
        return {**super().get_config(), "approximation": str(self.approximation)}


@keras.saving.register_keras_serializable(package="espalier")
class ApproximateLayerNormalization(keras.layers.LayerNormalization):
    """`keras.layers.LayerNormalization` whose value is approximate and whose gradients are exact.

    Args:
        approximation: name of the operator, or the operator.
        **options: those of `keras.layers.LayerNormalization`.
    """

    def __init__(self, approximation: str | Approximation = "layernorm", **options: Any) -> None:
        if options.get("rms_scaling"):
            raise ConfigError(
                "Layer normalization with `rms_scaling` has no approximation. Received: rms_scaling=True."
            )
        super().__init__(**options)
        self.approximation = _of_kind(approximation, LayerNormalizationApproximation)

    def call(self, inputs: Tensor) -> Tensor:
        """Returns about the inputs with mean zero and variance one along the axis, scaled and shifted.

        Args:
            inputs: floating point numbers, of known shape along the axis.
        """
        value = self.approximation.approximate(inputs, self.gamma, self.beta, self.axis, self.epsilon)
        return with_gradient_of(super().call(inputs), value)

    def get_config(self) -> dict[str, Any]:
        """Returns the settings, for Keras to save."""
        return {**super().get_config(), "approximation": str(self.approximation)}


@keras.saving.register_keras_serializable(package="espalier")
class ApproximateRMSNormalization(keras.layers.RMSNormalization):
    """`keras.layers.RMSNormalization` whose value is approximate and whose gradients are exact.

    Args:
        approximation: name of the operator, or the operator.
        **options: those of `keras.layers.RMSNormalization`.
    """

    def __init__(self, approximation: str | Approximation = "rmsnorm", **options: Any) -> None:
        super().__init__(**options)
        self.approximation = _of_kind(approximation, RootMeanSquareApproximation)

    def call(self, inputs: Tensor) -> Tensor:
        """Returns about the inputs with mean square one along the axis, scaled.

        Args:
            inputs: floating point numbers, of known shape along the axis.
        """
        value = self.approximation.approximate(inputs, self.scale, self.axis, self.epsilon)
        return with_gradient_of(super().call(inputs), value)

    def get_config(self) -> dict[str, Any]:
        """Returns the settings, for Keras to save."""
        return {**super().get_config(), "approximation": str(self.approximation)}


def _of_kind(approximation: str | Approximation, kind: type[Approximation]) -> Approximation:
    found = read(approximation)
    if not isinstance(found, kind):
        raise ConfigError(f"`approximation` must be one of `{kind.operator}`. Received: approximation=`{found}`.")
    return found
