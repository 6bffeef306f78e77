"""Scales of normalizations that training makes sparse: their absolute values are added to the loss."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from source.layer.transformation import Tensor, Transformation


@keras.saving.register_keras_serializable(package="espalier")
class ScalePenalty(Transformation):
    """Returns w unchanged, and adds strength * sum |w_i| over some places i to the loss in training.

    Liu et al.: Learning efficient convolutional networks through network slimming, 2017,
    https://arxiv.org/abs/1708.06519, equation 1.

    Attributes:
        places: of the vector that count; None for all.
        calls: of the layer in one call of the model, over which the sum is spread.
    """

    def __init__(self, places: Sequence[int] | None = None, calls: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.places = None if places is None else tuple(places)
        self.calls = calls

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the strength, 0 at first."""
        super().build(input_shape)
        self.strength = self.add_weight(
            name="strength", shape=(), initializer="zeros", trainable=False, aggregation="only_first_replica"
        )
        line = np.ones(input_shape[0] or 0, np.float32)
        if self.places is not None:
            line[np.setdiff1d(np.arange(len(line)), self.places)] = 0.0
        self._counted = line / self.calls

    def transform(self, x: Tensor, training: bool) -> Tensor:
        """Returns x."""
        if training:
            self.add_loss(
                ops.convert_to_tensor(self.strength) * ops.sum(ops.abs(x) * ops.convert_to_tensor(self._counted))
            )
        return x

    @property
    def description(self) -> str:
        """What it is."""
        return "l1 penalty"

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments as plain values."""
        places = None if self.places is None else list(self.places)
        return {**super().get_config(), "places": places, "calls": self.calls}
