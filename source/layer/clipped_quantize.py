"""Rounding to a number format after the largest numbers were cut off, where that errs less."""

import keras
import numpy as np
from keras import ops

from source.layer.fake_quantize import FakeQuantize
from source.layer.transformation import Tensor
from source.numeric.clipping import best_limits


@keras.saving.register_keras_serializable(package="espalier")
class ClippedQuantize(FakeQuantize):
    """f(min(max(x, -limit), limit)) with limits for the tensor, for each channel, or for each number.

    Limits belong to what shares a scale in the format. `calibrate` chooses those with the least squared error; until
    then they are infinite.

    Attributes:
        format: the number format.
        axis: along which blocks lie, or whose indices have scales each.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the limits: a number, one for each index of the axis, or for blocks one for each number."""
        super().build(input_shape)
        shape = tuple(input_shape)
        if self.format.sharing in ("tensor", "channel"):
            kept = self.axis % len(shape) if self.format.sharing == "channel" else None
            shape = tuple(length if place == kept else 1 for place, length in enumerate(shape))
        self.limits = self.add_weight(
            name="limits", shape=shape, initializer=keras.initializers.Constant(np.inf), trainable=False
        )

    def transform(self, x: Tensor, training: bool) -> Tensor:
        """Returns x clipped and rounded."""
        limits = ops.convert_to_tensor(self.limits)
        return super().transform(ops.maximum(ops.minimum(x, limits), -limits), training)

    def calibrate(self, x: np.ndarray) -> None:
        """Sets the limits at which x is rounded with the least squared error."""
        found = best_limits(self.format, np.asarray(x, np.float32), self.axis)
        first = tuple(slice(0, length) for length in self.limits.shape)
        self.limits.assign(found[first])

    @property
    def description(self) -> str:
        """The name of the format, and that numbers are clipped."""
        return f"{super().description} clipped"
