"""The loss that pulls logits towards those of a teacher, as a layer that lets the logits through."""

from typing import Any

import keras
from keras import ops

from source.config.errors import ConfigError, TrainingError
from source.layer.transformation import Tensor


class _Held:
    """Holds a model so that Keras does not take it for a part of the layer: its weights are not to be saved twice."""

    def __init__(self) -> None:
        self.model: keras.Model | None = None


@keras.saving.register_keras_serializable(package="espalier")
class DistillationLoss(keras.layers.Layer):
    """Returns logits unchanged, and adds strength * T^2 * KL(softmax(t / T) || softmax(s / T)) to the loss in training.

    t are the logits of a teacher for the same inputs. The mean is over the examples of a batch. Hinton et al.:
    Distilling the knowledge in a neural network, 2015, https://arxiv.org/abs/1503.02531. The teacher is not a part of
    the layer: it is neither trained nor saved with it, and must be given again after loading.

    Attributes:
        strength: of the term, beside the loss that the model is compiled with.
        temperature: T, positive.
    """

    def __init__(self, strength: float = 1.0, temperature: float = 4.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if strength <= 0 or temperature <= 0:
            received = f"strength={strength}, temperature={temperature}"
            raise ConfigError(f"`strength` and `temperature` must be positive. Received: {received}.")
        self.strength = strength
        self.temperature = temperature
        self._held = _Held()

    def teach_with(self, teacher: keras.Model) -> None:
        """Sets the teacher.

        Args:
            teacher: takes the inputs of the model and returns logits of the same shape; is run in inference.
        """
        self._held.model = teacher

    def call(self, logits: Tensor, inputs: Any, training: bool | None = None) -> Tensor:
        """Returns the logits."""
        if training and not isinstance(logits, keras.KerasTensor):
            self.add_loss(self._loss(logits, self._teacher()(inputs, training=False)))
        return logits

    def compute_output_spec(self, logits: keras.KerasTensor, inputs: Any, training: bool | None = None) -> Any:
        """Returns the shape and type of the logits."""
        return keras.KerasTensor(logits.shape, dtype=logits.dtype)

    def build(self, *_: Any) -> None:
        """Creates nothing."""

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments as plain values."""
        return {"name": self.name, "strength": self.strength, "temperature": self.temperature}

    def _teacher(self) -> keras.Model:
        if self._held.model is None:
            raise TrainingError(
                f"Layer `{self.name}` has no teacher: a loaded model must be given its teacher again. Call "
                "`compressor.attach(model)` with the `distillation` compressor before training."
            )
        return self._held.model

    def _loss(self, student: Tensor, teacher: Tensor) -> Tensor:
        student, teacher = (ops.cast(each, "float32") / self.temperature for each in (student, teacher))
        teacher = ops.stop_gradient(teacher)
        target = ops.softmax(teacher, axis=-1)
        gap = ops.log_softmax(teacher, axis=-1) - ops.log_softmax(student, axis=-1)
        return self.strength * self.temperature**2 * ops.mean(ops.sum(target * gap, axis=-1))
