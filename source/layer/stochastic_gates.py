"""Gates of channels that are drawn anew in every step of training, with the probabilities that they are open."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from source.config.errors import ConfigError
from source.layer.channel_regularizer import ChannelRegularizer
from source.layer.transformation import Tensor
from source.numeric.noise import logistic


@keras.saving.register_keras_serializable(package="espalier")
class StochasticGates(ChannelRegularizer):
    """x itself, with a trained logit for each channel of some groups and a loss that makes channels improbable.

    A gate is sigmoid((logit + L) / t) in training, where L is logistic noise, one number for each channel and call of
    the model, and 1[logit > 0] otherwise, times sigmoid(logit) if the mask is soft. In every group, the gate of the
    largest logit is 1, of equal ones that of the first. Chaudhuri et al.: Fine-grained stochastic architecture search,
    2020, https://arxiv.org/abs/2006.09581

    Attributes:
        widths: channels of each group.
        temperature: t, positive.
        straight_through: whether training sees 1[logit + L > 0], with the gradient of the gate above.
        log_odds_init: logits at the start; 2.5 opens 92.4 % of the gates.
        annealing_steps: in which the temperature falls to a tenth; None keeps it.
        soft_mask: whether open gates are sigmoid(logit) in inference.
        seed: of the noise.
    """

    def __init__(
        self,
        widths: Sequence[int],
        temperature: float = 0.001,
        straight_through: bool = False,
        log_odds_init: float = 2.5,
        annealing_steps: int | None = None,
        soft_mask: bool = True,
        seed: int = 0,
        calls: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(sum(widths), calls, **kwargs)
        if temperature <= 0:
            raise ConfigError(f"`temperature` must be positive. Received: temperature={temperature}.")
        self.widths = tuple(widths)
        self.temperature = temperature
        self.straight_through = straight_through
        self.log_odds_init = log_odds_init
        self.annealing_steps = annealing_steps
        self.soft_mask = soft_mask
        self.seed = seed

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates logits, the noise of the last call in training, and how many such calls there were."""
        super().build(input_shape)
        line: dict[str, Any] = {"shape": (self.channels,)}
        state: dict[str, Any] = {"initializer": "zeros", "trainable": False, "aggregation": "only_first_replica"}
        self.logits = self.add_weight(
            name="logits", initializer=keras.initializers.Constant(self.log_odds_init), **line
        )
        self.noise = self.add_weight(name="noise", **line, **state)
        self.draws = self.add_weight(name="draws", shape=(), dtype="int32", **state)
        self._group = np.repeat(np.arange(len(self.widths), dtype=np.int32), self.widths)
        self._place = np.arange(self.channels, dtype=np.int32)

    def transform(self, x: Tensor, training: bool) -> Tensor:
        """Returns x; in training, draws the noise of this call of the model first."""
        if training and self._held.term is not None and not isinstance(x, keras.KerasTensor):
            # A copy: on TensorFlow a variable that is handed on is read when it is used, after the assignment below.
            draws = ops.copy(self.draws)
            self.noise.assign(logistic(self.channels, self.seed, draws // self.calls))
            self.draws.assign(draws + 1)
        return super().transform(x, training)

    def mask(self, training: bool) -> Tensor:
        """Returns the gates (channels,), float32.

        Args:
            training: as the call of the model sees them whose noise was drawn last; else as inference does.
        """
        logits = ops.convert_to_tensor(self.logits)
        gates = self._drawn(logits) if training else self._open(logits)
        return ops.where(self._largest(logits), 1.0, gates)

    def probabilities(self) -> Tensor:
        """Returns sigmoid(logit) (channels,), float32."""
        return ops.sigmoid(ops.convert_to_tensor(self.logits))

    def settled(self) -> np.ndarray:
        """Returns the gates of channels that stay for good, whatever the sign of their logits (channels,)."""
        logits = ops.convert_to_tensor(self.logits)
        gates = ops.sigmoid(logits) if self.soft_mask else ops.ones_like(logits)
        return np.asarray(ops.convert_to_numpy(ops.where(self._largest(logits), 1.0, gates)))

    @property
    def description(self) -> str:
        """How many gates are more open than closed, and the strength."""
        count = int(ops.sum(ops.cast(ops.greater(self.logits, 0.0), "int32"))) if self.built else self.channels
        return f"{count} of {self.channels} gates open, {super().description}"

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments as plain values."""
        base = {key: value for key, value in super().get_config().items() if key != "channels"}
        names = ("temperature", "straight_through", "log_odds_init", "annealing_steps", "soft_mask", "seed")
        return {**base, "widths": list(self.widths), **{name: getattr(self, name) for name in names}}

    def _drawn(self, logits: Tensor) -> Tensor:
        score = logits + ops.convert_to_tensor(self.noise)
        soft = ops.sigmoid(score / self._temperature())
        if not self.straight_through:
            return soft
        # In this order the value is exactly 0 or 1.
        return ops.cast(ops.greater(score, 0.0), "float32") + (soft - ops.stop_gradient(soft))

    def _open(self, logits: Tensor) -> Tensor:
        positive = ops.cast(ops.greater(logits, 0.0), "float32")
        return positive * ops.sigmoid(logits) if self.soft_mask else positive

    def _temperature(self) -> Tensor | float:
        if self.annealing_steps is None:
            return self.temperature
        step = ops.cast((ops.convert_to_tensor(self.draws) - 1) // self.calls, "float32")
        return self.temperature * ops.power(0.1, step / self.annealing_steps)

    def _largest(self, logits: Tensor) -> Tensor:
        """Returns which channels are the first of the largest logit in their groups, as booleans."""
        count = len(self.widths)
        logits = ops.stop_gradient(logits)
        largest = ops.take(ops.segment_max(logits, self._group, count), self._group)
        places = ops.where(ops.equal(logits, largest), -self._place, -self.channels)
        return ops.equal(ops.take(ops.segment_max(places, self._group, count), self._group), -self._place)
