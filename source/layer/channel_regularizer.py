"""The loss that makes channels small by what they cost, as a transformation that lets tensors through."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from source.config.errors import TrainingError
from source.layer.transformation import Tensor, Transformation


class _Held:
    """Holds what weights of other layers make, so that Keras does not take them for those of this one."""

    def __init__(self) -> None:
        self.term: Callable[[Tensor], Tensor] | None = None


@keras.saving.register_keras_serializable(package="espalier")
class ChannelRegularizer(Transformation):
    """x itself; in training, adds strength * term(thresholds) to the loss of the model.

    The term looks at weights of many layers. It is not saved: the compressor gives it again to a loaded model.

    Attributes:
        channels: how many channels have a threshold.
        calls: how often the layer is called in one call of the model, so that the term counts once.
    """

    def __init__(self, channels: int, calls: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.channels = channels
        self.calls = calls
        self._held = _Held()

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates strength, values of the channels at the start, thresholds, and what the last update knew."""
        super().build(input_shape)
        settings: dict[str, Any] = {"initializer": "zeros", "trainable": False, "aggregation": "only_first_replica"}
        self.strength = self.add_weight(name="strength", shape=(), **settings)
        self.initial = self.add_weight(name="initial", shape=(self.channels,), **settings)
        self.thresholds = self.add_weight(name="thresholds", shape=(self.channels,), **settings)
        self.weighed = self.add_weight(name="weighed", shape=(), **{**settings, "initializer": "ones"})
        self.step = self.add_weight(name="step", shape=(), dtype="int32", **{**settings, "initializer": _MINUS_ONE})
        self.ended = self.add_weight(name="ended", shape=(), dtype="bool", **settings)

    def add_to_loss(self, term: Callable[[Tensor], Tensor]) -> None:
        """Sets what is added to the loss.

        Args:
            term: takes the thresholds (channels,), returns a number.
        """
        self._held.term = term

    def transform(self, x: Tensor, training: bool) -> Tensor:
        """Returns x."""
        if training and not isinstance(x, keras.KerasTensor):
            if self._held.term is None:
                raise TrainingError(
                    f"Layer `{self.name}` does not know the channels that it makes small: call `compressor.attach"
                    "(model)` with the `morphnet` compressor before training a loaded model."
                )
            term = self._held.term(ops.convert_to_tensor(self.thresholds))
            self.add_loss(ops.convert_to_tensor(self.strength) * term / self.calls)
        return x

    def lasting(self) -> None:
        """Returns None: a finished model has no such loss."""
        return

    @property
    def description(self) -> str:
        """The strength."""
        strength = float(ops.convert_to_numpy(self.strength)) if self.built else 0.0
        return f"loss of channels, strength {strength:.3g}"

    def begin(self, values: np.ndarray, thresholds: np.ndarray) -> None:
        """Notes where channels begin.

        Args:
            values: of the channels.
            thresholds: at and below which a channel is to go.
        """
        self.initial.assign(values)
        self.thresholds.assign(thresholds)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments as plain values."""
        return {**super().get_config(), "channels": self.channels, "calls": self.calls}


_MINUS_ONE = keras.initializers.Constant(-1)
