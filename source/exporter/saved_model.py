"""Writes a TensorFlow SavedModel that takes images as tensors or as encoded bytes, with preprocessing inside.

Endpoints, each for a batch of one image or more:

- `predict` and `serving_default`: `input_image` (b, h, w, c) float32 in [0, 255], before preprocessing;
- `predict_bytes`: `input_bytes` (b,) strings, each an encoded image (PNG, JPEG, WebP, BMP, GIF) of any size.

All answer with `output_classes` (b,) int64, `output_probabilities` (b, classes) float32 and, when the classes have
names, `output_labels` (b,) strings.

A model without an inputter has the endpoint `serving_default` alone, for the model's own inputs and outputs.
"""

import json
import pathlib
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from source.config.config import Names, require
from source.config.errors import ConfigError
from source.config.settings import adopt, settings
from source.exporter import _endpoints, _image_check
from source.exporter.artefact.saved_model_folder import CLASSES_FILE, open_file
from source.exporter.exporter import ExporterConfig
from source.exporter.file_exporter import FileExporter, FileExporterConfig
from source.exporter.report import ExportReport


@settings
class Config(FileExporterConfig):
    """Settings of the SavedModel exporter.

    Attributes:
        input_ops: names of the inputs that a client will send, checked against those there are.
        output_ops: names of the outputs to write; empty writes all. Only a run's model can leave some out.
    """

    input_ops: Names = ("input_image",)
    output_ops: Names = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        require(set(self.input_ops) == {"input_image"}, "input_ops", "`input_image`", self.input_ops)


class SavedModelExporter(FileExporter):
    """Writes the folder under another name, runs and renames it, so that a server never sees half a model."""

    suffix = ""
    config: Config

    def write(self, model: keras.Model, path: pathlib.Path, examples: Sequence[np.ndarray]) -> Sequence[str]:
        """Writes a model with one endpoint, `serving_default`.

        Args:
            model: plain.
            path: of the folder.
            examples: not used.

        Raises:
            ConfigError: if some outputs are to be left out.
        """
        if self.config.output_ops:
            raise ConfigError(
                "output_ops: chooses among the outputs of a run's SavedModel; a bare model's are all written. "
                f"Received: output_ops={self.config.output_ops}."
            )
        _endpoints.of_model(model).write_out(str(path), verbose=False)
        return ()

    def export(self, modeler: Any, inputter: Any, folder: pathlib.Path) -> pathlib.Path:
        """Writes and verifies the SavedModel and returns its folder.

        Args:
            modeler: holds the model, with the weights to write, and `predict_step`.
            inputter: holds `preprocess`, `decode`, `image_shape` and `class_names`, and images in `originals`.
            folder: where to write.

        Raises:
            ConfigError: if the folder exists and may not be replaced, or is something else than a SavedModel.
            ExportError: if the SavedModel answers otherwise than the model.
        """
        if folder.exists() and not self.config.overwrite:
            raise ConfigError(
                f"export_version: {folder} exists already. Remove it, take another `export_version`, "
                f"or let the exporter replace it with `overwrite=True`."
            )
        self.refuse_taken(folder)
        if not modeler.model.built:
            raise ConfigError(f"{modeler.model.name}: expected a model that is built. Call it on an example first.")

        def write_and_compare(written: pathlib.Path) -> ExportReport:
            _endpoints.of_images(modeler, inputter, self.config.output_ops).write_out(str(written), verbose=False)
            _write_classes(written, inputter.class_names)
            images, are_real = _image_check.originals(inputter, self.config.examples)
            served = open_file(written, None)
            found = _image_check.compared(
                modeler, inputter, served, lambda inputs: self.answered(written, inputs), images
            )
            notes = [f"Outputs compared, in this order: {', '.join(found)}."]
            return self.report(modeler.model, written, list(found.values()), len(images), are_real, notes)

        return self.put_in_place(folder, write_and_compare).path

    def refuse_taken(self, path: pathlib.Path) -> None:
        """Refuses a path where there is something that may not be replaced, or that is no SavedModel.

        Args:
            path: of the folder.

        Raises:
            ConfigError: if there is.
        """
        super().refuse_taken(path)
        if path.exists() and not (path / "saved_model.pb").is_file():
            raise ConfigError(f"{path} is no SavedModel, so it is not overwritten. Take another name.")


def build(config: ExporterConfig) -> SavedModelExporter:
    """Returns an exporter of SavedModels.

    Args:
        config: whether an existing folder may be replaced.
    """
    return SavedModelExporter(adopt(Config, config))


def _write_classes(folder: pathlib.Path, class_names: Sequence[str] | None) -> None:
    """Writes the names of all classes where readers without TensorFlow find them."""
    if class_names:
        file = folder / CLASSES_FILE
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(list(class_names), indent=2) + "\n", encoding="utf-8")
