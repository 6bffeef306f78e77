"""Writes a TensorFlow SavedModel that takes images as tensors or as encoded bytes, with preprocessing inside.

Endpoints, each for a batch of one image or more:

- `predict` and `serving_default`: `input_image` (b, h, w, c) float32 in [0, 255], before preprocessing;
- `predict_bytes`: `input_bytes` (b,) strings, each an encoded image (PNG, JPEG, WebP, BMP, GIF) of any size.

All answer with `output_classes` (b,) int64, `output_probabilities` (b, classes) float32 and, when the classes have
names, `output_labels` (b,) strings.
"""

import pathlib
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from source.config.config import Names, require
from source.config.errors import ConfigError
from source.config.nearest import did_you_mean
from source.config.settings import adopt, settings
from source.exporter.exporter import Exporter, ExporterConfig


@settings
class Config(ExporterConfig):
    """Settings of the SavedModel exporter.

    Attributes:
        input_ops: names of the inputs that a client will send, checked against those there are.
        output_ops: names of the outputs to write; empty writes all.
    """

    input_ops: Names = ("input_image",)
    output_ops: Names = ()

    def __post_init__(self) -> None:
        require(set(self.input_ops) == {"input_image"}, "input_ops", "`input_image`", self.input_ops)


class SavedModelExporter(Exporter):
    """Writes the folder under a temporary name and renames it, so that a server never sees half a model."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def export(self, modeler: Any, inputter: Any, folder: pathlib.Path) -> pathlib.Path:
        """Writes the SavedModel and returns its folder.

        Args:
            modeler: holds the model, with the weights to write, and `predict_step`.
            inputter: holds `preprocess`, `decode`, `image_shape` and `class_names`.
            folder: where to write.

        Raises:
            ConfigError: if the folder exists and may not be replaced, or is something else than a SavedModel.
        """
        if folder.exists() and not self.config.overwrite:
            raise ConfigError(
                f"export_version: {folder} exists already. Remove it, take another `export_version`, "
                f"or let the exporter replace it with `overwrite=True`."
            )
        if folder.exists() and not (folder / "saved_model.pb").is_file():
            raise ConfigError(f"export_version: {folder} is no SavedModel, so it is not overwritten. Take another.")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".saved_model-") as temporary:
            written = pathlib.Path(temporary) / folder.name
            _archive(modeler, inputter, self.config.output_ops).write_out(str(written), verbose=False)
            if folder.exists():
                folder.rename(pathlib.Path(temporary) / "replaced")
            written.rename(folder)
        return folder


def build(config: ExporterConfig) -> SavedModelExporter:
    """Returns an exporter of SavedModels.

    Args:
        config: whether an existing folder may be replaced.
    """
    return SavedModelExporter(adopt(Config, config))


def _archive(modeler: Any, inputter: Any, output_ops: Sequence[str]) -> keras.export.ExportArchive:
    """Returns the endpoints, traced, with the model's variables tracked."""
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

    archive = keras.export.ExportArchive()
    archive.track(modeler.model)
    archive.add_endpoint("predict", predict, input_signature=[images])
    archive.add_endpoint("serving_default", predict, input_signature=[images])
    archive.add_endpoint("predict_bytes", predict_bytes, input_signature=[encoded])
    return archive


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
