"""The functions that a SavedModel answers with, traced together with the model's variables."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from source.config.errors import ConfigError
from source.config.nearest import did_you_mean


def of_images(modeler: Any, inputter: Any, output_ops: Sequence[str]) -> keras.export.ExportArchive:
    """Returns endpoints that take images and hold the preprocessing.

    Args:
        modeler: holds the model, and `predict_step`.
        inputter: holds `preprocess`, `decode`, `image_shape` and `class_names`.
        output_ops: names of the outputs to write; empty takes all.

    Raises:
        ConfigError: for an output that there is not.
    """
    height, width, channels = inputter.image_shape
    images = tf.TensorSpec((None, height, width, channels), tf.float32, name="input_image")
    encoded = tf.TensorSpec((None,), tf.string, name="input_bytes")
    answer = _answer(modeler.predict_step, inputter.class_names, output_ops)

    def predict(input_image: tf.Tensor) -> dict[str, tf.Tensor]:
        return answer(inputter.preprocess(input_image))

    def predict_bytes(input_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        shape = tf.TensorSpec((height, width, channels), tf.float32)
        prepared = tf.map_fn(
            lambda item: inputter.preprocess(inputter.decode(item)), input_bytes, fn_output_signature=shape
        )
        return answer(prepared)

    archive = keras.export.ExportArchive()  # it finds the variables: with `track` each would be written twice
    archive.add_endpoint("predict", predict, input_signature=[images])
    archive.add_endpoint("serving_default", predict, input_signature=[images])
    archive.add_endpoint("predict_bytes", predict_bytes, input_signature=[encoded])
    return archive


def of_model(model: keras.Model) -> keras.export.ExportArchive:
    """Returns the endpoint `serving_default`, which takes what the model takes and answers what it answers.

    Inputs and outputs have the keys of the model's dictionaries; where it has none, they are `input_0`, `input_1`,
    ... and `output_0`, `output_1`, .... Either way the order of the names is the model's own.

    Args:
        model: built.
    """
    # A sequential model has one input, and no `input` before it was called.
    sequential = isinstance(model, keras.Sequential)
    inputs = model.inputs[0] if sequential else model.input
    specs = [
        tf.TensorSpec(each.shape, keras.backend.standardize_dtype(each.dtype), name=name)
        for name, each in zip(_names(inputs, "input"), model.inputs, strict=True)
    ]

    def serving_default(*given: tf.Tensor) -> dict[str, tf.Tensor]:
        outputs = model(keras.tree.pack_sequence_as(inputs, list(given)), training=False)
        return dict(zip(_names(outputs, "output"), keras.tree.flatten(outputs), strict=True))

    archive = keras.export.ExportArchive()
    archive.add_endpoint("serving_default", serving_default, input_signature=specs)
    return archive


def _names(structure: Any, word: str) -> list[str]:
    """Returns a name for each tensor of a structure, in the order in which Keras flattens it: sorted by key."""
    count = len(keras.tree.flatten(structure))
    if isinstance(structure, Mapping) and len(structure) == count and all(str(key).isidentifier() for key in structure):
        return sorted(structure)
    digits = len(str(count - 1))  # `input_10` would stand before `input_2`
    return [f"{word}_{index:0{digits}}" for index in range(count)]


def _answer(
    predict_step: Callable[[dict[str, tf.Tensor]], dict[str, tf.Tensor]],
    class_names: Sequence[str] | None,
    output_ops: Sequence[str],
) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    """Returns the function from preprocessed images (b, h, w, c) to what the endpoints answer."""

    def answer(images: tf.Tensor) -> dict[str, tf.Tensor]:
        predicted = predict_step({"image": images})
        outputs = {
            "output_classes": predicted["classes"],
            "output_probabilities": predicted["probabilities"],
        }
        if class_names:
            outputs["output_labels"] = tf.gather(tf.constant(list(class_names)), predicted["classes"])
        for name in output_ops:
            if name not in outputs:
                raise ConfigError(f"output_ops: `{name}` is no output of this model. {did_you_mean(name, outputs)}")
        return {name: value for name, value in outputs.items() if not output_ops or name in output_ops}

    return answer
