"""Rounding of weights to minus one number, zero and another, which are trained with them."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from source.config.errors import ConfigError
from source.layer.transformation import Tensor, Transformation
from source.numeric import gradient
from source.numeric.trained_ternary import trained_ternary


@keras.saving.register_keras_serializable(package="espalier")
class TrainedTernary(Transformation):
    """p where w > d, -q where w < -d and zero between, with d = threshold * max |w| and trained p and q.

    The gradients of p and q, sums over the numbers that became so, are divided by the square root of the numbers that
    share them, as those of learned steps are, so that one learning rate suits weights of all sizes.

    Zhu, Han, Mao, Dally: Trained ternary quantization, 2017, https://arxiv.org/abs/1612.01064

    Attributes:
        threshold: in [0, 1).
        axis: whose indices have numbers p and q and a maximum each; None for one for the tensor.
    """

    def __init__(self, threshold: float = 0.05, axis: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0.0 <= threshold < 1.0:
            raise ConfigError(f"`threshold` must be in [0, 1). Received: threshold={threshold}.")
        self.threshold = threshold
        self.axis = axis

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates p and q."""
        super().build(input_shape)
        shape: list[int | None] = [1] * len(input_shape) if self.axis is not None else []
        if self.axis is not None:
            shape[self.axis] = input_shape[self.axis]
        self.positive = self.add_weight(name="positive", shape=tuple(shape), initializer="ones")
        self.negative = self.add_weight(name="negative", shape=tuple(shape), initializer="ones")

    def transform(self, x: Tensor, training: bool) -> Tensor:
        """Returns x rounded."""
        numbers = math.prod(int(length) for length in x.shape) // math.prod(self.positive.shape)
        factor = 1.0 / math.sqrt(max(1, numbers))
        positive, negative = (
            gradient.scaled_gradient(ops.multiply(each, 1.0), factor)  # TensorFlow wants no variable here
            for each in (self.positive, self.negative)
        )
        return trained_ternary(x, positive, negative, self.threshold)

    def calibrate(self, x: np.ndarray) -> None:
        """Sets p to the mean of the numbers above d, and q to that of those below -d, with its sign changed."""
        x = np.asarray(x, np.float32)
        axes = None if self.axis is None else tuple(axis for axis in range(x.ndim) if axis != self.axis % x.ndim)
        border = self.threshold * np.abs(x).max(axis=axes, keepdims=True)
        for variable, side in ((self.positive, x), (self.negative, -x)):
            chosen = side > border
            total = np.where(chosen, side, 0.0).sum(axis=axes, keepdims=True, dtype=np.float64)
            mean = total / np.maximum(chosen.sum(axis=axes, keepdims=True), 1)
            variable.assign(np.reshape(mean, variable.shape))

    @property
    def code_bits(self) -> float | None:
        """Bits of a code: 2."""
        return 2

    def scale_bytes(self, shape: Sequence[int]) -> int:
        """Returns the bytes of p and q, float32."""
        return 8 * math.prod(self.positive.shape)

    @property
    def description(self) -> str:
        """What is trained."""
        return "ternary learned scales"

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments as plain values."""
        return {**super().get_config(), "threshold": self.threshold, "axis": self.axis}
