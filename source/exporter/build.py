"""One call that writes a model as a file of any kind."""

import os
import pathlib
from typing import Any

import keras

from source.config import plugin
from source.config.errors import ConfigError
from source.config.settings import from_mapping
from source.exporter.file_exporter import FileExporter
from source.exporter.report import ExportReport
from source.exporter.suffixes import exporter_name


def exporter(name: str, **settings: Any) -> FileExporter:
    """Returns an exporter by its name.

    Args:
        name: such as `litert`.
        **settings: of the exporter.

    Raises:
        UnknownNameError: for a name that nothing answers to.
        ConfigError: for settings that cannot be, and for an exporter that writes no single file of a bare model.
    """
    module = plugin.resolve("exporter", name)
    made = module.build(from_mapping(module.Config, settings, name))
    if not isinstance(made, FileExporter):
        raise ConfigError(f"{name}: cannot write a bare model: set `exporters` of a run with `--mode=export`.")
    return made


def export(
    model: keras.Model, path: str | os.PathLike[str], examples: Any = None, kind: str | None = None, **settings: Any
) -> ExportReport:
    """Writes a model as a file, verifies the file, and returns its bytes and differences.

    Args:
        model: built.
        path: of the file. Its suffix says what it becomes: `.esp` packed, `.tflite` LiteRT, `.onnx` ONNX, `.h` C,
            `.npz` an integer reference; a folder without a suffix a SavedModel.
        examples: inputs to compare file and model on: an array (b, ...), or a list of one an input.
        kind: name of the exporter, where the suffix does not say.
        **settings: of the exporter.

    Raises:
        ConfigError: for a suffix that says nothing, and for what the exporter refuses.
        ExportError: if the file answers otherwise than the model.
    """
    place = pathlib.Path(path)
    name = exporter_name(place, kind)
    return exporter(name, **settings).export_model(model, place, examples)
