"""Gradients of a loss for labelled examples, on every backend: a copy of a model is trained that does not move."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from source.config.errors import ConfigError, DataError
from source.layer.distillation_loss import DistillationLoss
from source.surgery.rewrite import pass_on, rewrite

_BATCH = 64


class GradientRecorder(keras.optimizers.Optimizer):
    """An optimizer that keeps the gradients of the last batch and leaves weights alone.

    Attributes:
        gradients: one variable for each trained weight.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"learning_rate": 1.0, "name": "gradient_recorder", **kwargs})

    def build(self, variables: list[keras.Variable]) -> None:
        """Creates a variable for each gradient.

        Args:
            variables: of the model.
        """
        if not self.built:
            super().build(variables)
            self.gradients = [self.add_variable_from_reference(each, name="gradient") for each in variables]

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Keeps gradients; a weight without one has zeros.

        Args:
            grads: in the order of the weights.
            trainable_variables: not looked at.
        """
        for kept, gradient in zip(self.gradients, grads, strict=True):
            kept.assign(ops.zeros_like(kept) if gradient is None else ops.convert_to_tensor(gradient))


class LabelledExamples:
    """Examples with labels and a loss, for which a model's gradients are asked again and again."""

    def __init__(self, x: Any, y: Any, loss: Any) -> None:
        """Keeps the examples.

        Args:
            x: inputs of the model.
            y: what the loss compares outputs with.
            loss: of a compiled model: a name, a `keras.losses.Loss`, or a function.

        Raises:
            DataError: for different numbers of inputs and labels.
        """
        rows = {len(array) for array in keras.tree.flatten((x, y))}
        if len(rows) != 1 or not rows - {0}:
            raise DataError(
                f"calibration: expected equally many inputs and labels, at least one. Received: {sorted(rows)}."
            )
        self._x, self._y, self._count, self._loss = x, y, rows.pop(), loss
        self._copied: tuple[keras.Model, keras.Model] | None = None  # of what, and the copy

    def products(self, model: keras.Model) -> Iterator[dict[int, np.ndarray]]:
        """Yields for each batch of 64 the product of every weight and its gradient, float64, by the weight's identity.

        Batches go through the model as in training: normalized by their own statistics. The model is not changed.

        Args:
            model: prepared.
        """
        copied = self._copy_of(model)
        copied.set_weights(model.get_weights())
        originals = {id(mine): id(weight) for weight, mine in zip(model.weights, copied.weights, strict=True)}
        for start in range(0, self._count, _BATCH):
            stop = start + _BATCH
            x, y = keras.tree.map_structure(lambda array: np.asarray(array[start:stop]), (self._x, self._y))  # noqa: B023
            copied.train_on_batch(x, y)
            pairs = zip(copied.trainable_variables, copied.optimizer.gradients, strict=True)
            yield {originals[id(weight)]: _numbers(weight) * _numbers(gradient) for weight, gradient in pairs}

    def _copy_of(self, model: keras.Model) -> keras.Model:
        """Returns a copy all of which trains, made once for a model: its step is compiled once."""
        if self._copied is None or self._copied[0] is not model:
            copied = rewrite(model, lambda layer: pass_on if isinstance(layer, DistillationLoss) else None)
            copied.trainable = True
            recorder = GradientRecorder()
            recorder.build(copied.trainable_variables)
            copied.compile(recorder, self._loss or _loss_of(model), auto_scale_loss=False, jit_compile=False)
            self._copied = model, copied
        return self._copied[1]


def _loss_of(model: keras.Model) -> Any:
    loss = getattr(model, "loss", None) if model.compiled else None
    if loss is None:
        raise ConfigError(
            f"loss: model `{model.name}` is not compiled with one, and score taylor needs one. Give `loss`, or compile "
            "the prepared model before it is trained."
        )
    return loss


def _numbers(variable: Any) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(variable), np.float64)
