"""A `.keras` file, run by Keras in a compiled function."""

import pathlib
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from source.exporter.artefact.artefact import Artefact
from source.layer.load_model import load_model


class KerasModel(Artefact):
    """A Keras model in inference, as one graph."""

    kind = "Keras"

    def __init__(self, path: pathlib.Path, model: keras.Model) -> None:
        super().__init__(path)
        self.model = model
        # One graph for all sizes of batches, as of a file that is exported.
        specs = [tf.TensorSpec(shape, dtype) for shape, dtype in self.input_specs]
        self._function = tf.function(self._answer, input_signature=specs).get_concrete_function()

    @property
    def input_specs(self) -> list[tuple[tuple[int | None, ...], str]]:
        """Shape and dtype of every input of the model."""
        return [(tuple(each.shape), keras.backend.standardize_dtype(each.dtype)) for each in self.model.inputs]

    def run(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Returns the outputs in inference, flat."""
        self.check_inputs(inputs)
        given = [
            tf.constant(np.asarray(each, dtype)) for each, (_, dtype) in zip(inputs, self.input_specs, strict=True)
        ]
        return [np.asarray(each.numpy()) for each in self._function(*given)]

    def _answer(self, *inputs: tf.Tensor) -> list[tf.Tensor]:
        # A sequential model has one input, and no `input` before it was called.
        sequential = isinstance(self.model, keras.Sequential)
        packed = inputs[0] if sequential else keras.tree.pack_sequence_as(self.model.input, list(inputs))
        return keras.tree.flatten(self.model(packed, training=False))


def open_file(path: pathlib.Path, threads: int | None) -> KerasModel:
    """Returns the model of a file.

    Args:
        path: of a `.keras` file.
        threads: not used: TensorFlow's threads are those of the process.
    """
    return KerasModel(path, load_model(path, compile=False))
