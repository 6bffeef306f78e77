"""Watches the inputs of a layer: how large each input feature is, which scores of weights want to know."""

from typing import Any

import keras
import numpy as np
from keras import ops

from source.layer.transformation import Tensor, Transformation

# After so many rows an average forgets: of batches of 128 pictures of 32 x 32 pixels, the last 8.
_MOST_ROWS = 2.0**20


@keras.saving.register_keras_serializable(package="espalier")
class Observe(Transformation):
    """x itself; follows the mean square of each feature while batches are collected and in training steps.

    mean <- mean + (mean of x^2 over the rows of the batch - mean) * n / rows, where a batch has n rows (examples times
    positions) and `rows` counts them all, up to 2^20: from there on the average forgets what is long past.

    Attributes:
        axis: of the features.
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the mean squares, zeros, and the number of rows seen."""
        super().build(input_shape)
        settings: dict[str, Any] = {"initializer": "zeros", "trainable": False, "aggregation": "mean"}
        self.mean_squares = self.add_weight(name="mean_squares", shape=(input_shape[self.axis],), **settings)
        self.rows = self.add_weight(name="rows", shape=(), **settings)

    def transform(self, x: Tensor, training: bool) -> Tensor:
        """Returns x, having looked at it in a training step."""
        if training:
            self._look_at(ops.stop_gradient(x))
        return x

    def collect(self, x: np.ndarray) -> None:
        """Looks at a batch."""
        self._look_at(ops.convert_to_tensor(x))

    def norms(self) -> Tensor:
        """Returns the root of the mean square of each feature, float32; zeros as long as nothing was seen."""
        return ops.sqrt(ops.convert_to_tensor(self.mean_squares))

    def lasting(self) -> None:
        """Returns None: a finished model need not be watched."""

    @property
    def description(self) -> str:
        """What it is."""
        return "observed"

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments as plain values."""
        return {**super().get_config(), "axis": self.axis}

    def _look_at(self, x: Tensor) -> None:
        others = [axis for axis in range(len(x.shape)) if axis != self.axis % len(x.shape)]
        count = ops.cast(ops.size(x), "float32") / float(self.mean_squares.shape[0])
        rows = ops.minimum(ops.convert_to_tensor(self.rows) + count, _MOST_ROWS)
        before = ops.convert_to_tensor(self.mean_squares)
        now = ops.sum(ops.square(x), axis=others) / ops.maximum(count, 1.0)
        share = ops.minimum(count / ops.maximum(rows, 1.0), 1.0)
        self.mean_squares.assign(before + (now - before) * share)
        self.rows.assign(rows)
