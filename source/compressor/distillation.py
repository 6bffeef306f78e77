"""Lets a model learn from the logits of a teacher beside its labels: what compression took away comes back sooner."""

import os
from typing import Any

import keras

from source.compressor.compressor import Calibration, Compressor
from source.config.config import CompressorConfig, PathText, require
from source.config.errors import CheckpointError, ConfigError
from source.config.settings import settings
from source.layer.distillation_loss import DistillationLoss
from source.surgery.rewrite import layers_of, refuse_other_models, rewrite


@settings
class Config(CompressorConfig):
    """Settings of distillation.

    Attributes:
        teacher: a `.keras` file, or a model; None takes the model that is given to `prepare`, as it is then.
        strength: of the distillation loss beside the loss of the labels, positive.
        temperature: by which both logits are divided, positive.
    """

    teacher: PathText | keras.Model | None = None
    strength: float = 1.0
    temperature: float = 4.0

    def __post_init__(self) -> None:
        require(self.strength > 0, "strength", "positive", self.strength)
        require(self.temperature > 0, "temperature", "positive", self.temperature)
        require(not self.rules, "rules", "empty: distillation treats no layer by itself", self.rules)


def build(config: Config) -> "Distillation":
    """Returns the compressor.

    Args:
        config: the settings.
    """
    return Distillation(config)


class Distillation(Compressor):
    """Adds the distance to a teacher's logits to the loss; `finish` takes it away again."""

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._teacher: keras.Model | None = None
        self._is_next = False

    @property
    def teacher(self) -> keras.Model:
        """The model that teaches.

        Raises:
            ConfigError: before `prepare` or `attach`.
        """
        if self._teacher is None:
            raise ConfigError(f"{self.name}: there is no teacher yet. Call `prepare(model)` first.")
        return self._teacher

    def take_teacher(self, model: keras.Model) -> None:
        """Makes a copy of a model the teacher of the next model that is prepared, unless the settings name one.

        Args:
            model: functional or sequential, built, with logits as its output.
        """
        self._is_next = True
        given = self.config.teacher
        if given is None:
            self._teacher = rewrite(model, lambda _: None)
        elif self._teacher is None:
            self._teacher = given if isinstance(given, keras.Model) else _loaded(given)

    def prepare(self, model: keras.Model, calibration: Calibration = None) -> keras.Model:
        """Returns a copy of the model that learns from the teacher; its outputs are those of the model."""
        refuse_other_models(model)
        if any(isinstance(layer, DistillationLoss) for layer in layers_of(model)):
            raise ConfigError(f"{self.name}: model `{model.name}` learns from a teacher already.")
        if not self._is_next:
            self.take_teacher(model)
        self._is_next = False
        copied = rewrite(model, lambda _: None)
        logits = self._checked_logits(copied)
        loss = DistillationLoss(self.config.strength, self.config.temperature, name="distillation_loss")
        prepared = keras.Model(copied.input, loss(logits, copied.input), name=model.name)
        self.attach(prepared)
        return prepared

    def attach(self, model: keras.Model, total_steps: int | None = None) -> None:
        """Takes up a prepared model, and gives it its teacher."""
        super().attach(model, total_steps)
        for layer in layers_of(model):
            if isinstance(layer, DistillationLoss):
                if self._teacher is None and self.config.teacher is None:
                    raise ConfigError(
                        f"{self.name}: the teacher was the model before it was prepared, which a loaded model does not "
                        "hold. Name it by `teacher`."
                    )
                if self._teacher is None:
                    self.take_teacher(model)
                    self._is_next = False
                layer.teach_with(self.teacher)

    def owns(self, model: keras.Model) -> bool:
        """Returns whether a model learns from a teacher."""
        return any(isinstance(layer, DistillationLoss) for layer in layers_of(model))

    def reason(self, layer: keras.layers.Layer, path: str, variable: keras.Variable) -> str:
        """Returns that distillation changes no weight by itself."""
        return "distillation changes no weight by itself"

    def _checked_logits(self, model: keras.Model) -> Any:
        outputs, taught = keras.tree.flatten(model.output), keras.tree.flatten(self.teacher.outputs)
        shapes = [[tuple(each.shape) for each in tensors] for tensors in (outputs, taught)]
        if len(outputs) != 1 or shapes[0] != shapes[1]:
            raise ConfigError(
                f"{self.name}: model and teacher must have one output of the same shape, logits. Received: outputs of "
                f"shapes {shapes[0]} and {shapes[1]}."
            )
        return outputs[0]


def _loaded(path: str) -> keras.Model:
    if not os.path.isfile(path):
        raise CheckpointError(f"teacher: there is no file `{path}`.")
    try:
        return keras.models.load_model(path, compile=False)
    except (ValueError, OSError, KeyError, TypeError) as error:
        raise CheckpointError(f"teacher: `{path}` cannot be loaded as a Keras model: {error}") from error
