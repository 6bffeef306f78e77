"""From a path to a file that can be run."""

import importlib
import os
import pathlib

from source.config.errors import DataError
from source.config.nearest import did_you_mean
from source.exporter.artefact.artefact import Artefact

# Loaded when such a file is opened: each needs a package of its own.
_MODULES = {
    ".esp": "source.exporter.artefact.packed_file",
    ".keras": "source.exporter.artefact.keras_file",
    ".onnx": "source.exporter.artefact.onnx_file",
    ".tflite": "source.exporter.artefact.litert_file",
    ".npz": "source.exporter.artefact.integer_file",
}
_FOLDER = "source.exporter.artefact.saved_model_folder"


def open_artefact(path: str | os.PathLike[str], threads: int | None = None) -> Artefact:
    """Returns an exported file, loaded.

    Args:
        path: a file that an exporter or `model.save` wrote, or the folder of a SavedModel.
        threads: processor threads to use where the runtime can be told; None leaves it to the runtime.

    Raises:
        DataError: for a file that is missing, of no known kind, or broken.
        MissingDependencyError: if the runtime of this kind is not installed.
    """
    place = pathlib.Path(path)
    if not place.exists():
        raise DataError(f"{place}: there is no such file.")
    if place.is_dir() and not (place / "saved_model.pb").is_file():
        raise DataError(f"{place}: a folder that is no SavedModel (it has no saved_model.pb).")
    if place.is_file() and place.suffix not in _MODULES:
        kinds = ", ".join(sorted(_MODULES))
        raise DataError(
            f"{place}: expected a file of kind {kinds} or a SavedModel. {did_you_mean(place.suffix, _MODULES)}"
        )
    module = importlib.import_module(_FOLDER if place.is_dir() else _MODULES[place.suffix])
    artefact: Artefact = module.open_file(place, threads)
    return artefact
