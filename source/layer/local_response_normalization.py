"""Local response normalization: each number divided by what is around it in neighbouring channels."""

from typing import Any

import keras
from keras import ops

from source.config.errors import ConfigError
from source.layer.transformation import Tensor


@keras.saving.register_keras_serializable(package="espalier")
class LocalResponseNormalization(keras.layers.Layer):
    """y_c = x_c / (bias + alpha * sum of x_j^2 over |j - c| <= depth_radius)^beta, for each pixel.

    Krizhevsky et al.: ImageNet classification with deep convolutional neural networks, 2012, section 3.3,
    https://papers.nips.cc/paper/4824. As in TensorFlow, the sum is not divided by the number of channels in it; Caffe
    and PyTorch divide, so their alpha is 2 * depth_radius + 1 times this one.

    Attributes:
        depth_radius: channels on either side, at least 1.
        bias: added to the sum, above 0.
        alpha: factor of the sum.
        beta: exponent.
    """

    def __init__(
        self, depth_radius: int = 5, bias: float = 1.0, alpha: float = 1.0, beta: float = 0.5, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if depth_radius < 1 or bias <= 0:
            received = f"depth_radius={depth_radius}, bias={bias}"
            raise ConfigError(f"`depth_radius` must be at least 1, `bias` positive. Received: {received}.")
        self.depth_radius = depth_radius
        self.bias = bias
        self.alpha = alpha
        self.beta = beta

    def call(self, x: Tensor) -> Tensor:
        """Returns y in the type of x.

        Args:
            x: (b, ..., c).
        """
        channels, radius = x.shape[-1], min(self.depth_radius, x.shape[-1] - 1)
        edges = [[0, 0]] * (len(x.shape) - 1) + [[radius, radius]]
        squares = ops.pad(ops.square(ops.cast(x, "float32")), edges)
        around = sum(squares[..., start : start + channels] for start in range(2 * radius + 1))
        return ops.cast(ops.cast(x, "float32") * ops.power(self.bias + self.alpha * around, -self.beta), x.dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments as plain values."""
        names = ("depth_radius", "bias", "alpha", "beta")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
