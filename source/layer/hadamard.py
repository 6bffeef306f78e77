"""The Walsh-Hadamard transform over channels, which mixes them all by additions alone."""

from typing import Any

import keras
from keras import ops

from source.config.errors import ConfigError
from source.layer.transformation import Tensor


@keras.saving.register_keras_serializable(package="espalier")
class Hadamard(keras.layers.Layer):
    """y = H x for each pixel, with H_1 = [1] and H_2n = [[H_n, H_n], [H_n, -H_n]] (Sylvester), not normalized.

    log2(c) rounds of c additions and no multiplication take the place of a matrix of c^2 weights. The transform of the
    transform is c x. It computes in float32 where the precision is lower, because sums of c numbers grow. Fino,
    Algazi: Unified matrix treatment of the fast Walsh-Hadamard transform, 1976,
    https://doi.org/10.1109/TC.1976.1674569; in the place of a 1x1 convolution: Zhao et al.: Building efficient deep
    neural networks with unitary group convolutions, 2019, https://arxiv.org/abs/1811.07755.

    Attributes:
        variable_scales: whether each channel is multiplied with a trained number first, which begins near 1 / sqrt(c).
    """

    def __init__(self, variable_scales: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.variable_scales = variable_scales

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the scales.

        Raises:
            ConfigError: unless the channels are a power of two.
        """
        channels = input_shape[-1] or 0
        if channels < 1 or channels & (channels - 1):
            raise ConfigError(
                f"{self.name}: channels must be a power of two for a Walsh-Hadamard transform. Received: "
                f"{input_shape[-1]} channels."
            )
        if self.variable_scales:
            start = keras.initializers.TruncatedNormal(mean=channels**-0.5, stddev=0.001)
            self.scales = self.add_weight(name="scales", shape=(channels,), initializer=start)

    def call(self, x: Tensor) -> Tensor:
        """Returns y in the type of x.

        Args:
            x: (b, ..., c).
        """
        dtype = x.dtype
        if self.variable_scales:
            x = x * self.scales
        low = keras.backend.standardize_dtype(dtype) in ("float16", "bfloat16")
        return ops.cast(transform(ops.cast(x, "float32") if low else x), dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments as plain values."""
        return {**super().get_config(), "variable_scales": self.variable_scales}


def transform(x: Tensor) -> Tensor:
    """Returns H x along the last axis.

    Args:
        x: (..., c), c a power of two that is known.
    """
    shape, channels = ops.shape(x), x.shape[-1]
    width = 1
    while width < channels:
        pairs = ops.reshape(x, (-1, 2, width))
        first, second = pairs[:, 0], pairs[:, 1]
        x = ops.stack([first + second, first - second], axis=1)
        width *= 2
    return ops.reshape(x, shape)
