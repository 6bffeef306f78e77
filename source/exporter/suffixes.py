"""What the suffix of a path says of the file that is to be written; nothing heavy is loaded to know it."""

import pathlib

from source.config import plugin
from source.config.errors import ConfigError
from source.config.nearest import did_you_mean

BY_SUFFIX = {
    "": "saved_model",
    ".esp": "packed",
    ".h": "c_array",
    ".npz": "integer_reference",
    ".onnx": "onnx",
    ".tflite": "litert",
}


def exporter_name(path: pathlib.Path, kind: str | None = None) -> str:
    """Returns the name of the exporter that writes a path.

    Args:
        path: of the file or folder.
        kind: the name, where the suffix does not say.

    Raises:
        ConfigError: for a suffix that says nothing.
        UnknownNameError: for a kind that no exporter answers to.
    """
    if kind is None and path.suffix not in BY_SUFFIX:
        known = ", ".join(filter(None, BY_SUFFIX))
        raise ConfigError(
            f"path: expected a file that ends with {known}, or a folder without a suffix for a SavedModel. "
            f"Received: {path}. {did_you_mean(path.suffix, filter(None, BY_SUFFIX))}"
        )
    name = BY_SUFFIX[path.suffix] if kind is None else kind
    plugin.locate("exporter", name)
    return name
