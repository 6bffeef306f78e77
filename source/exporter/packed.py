"""Writes one packed file (`.esp`): the architecture, and each tensor in the form with the fewest bytes.

The model is plain and finished: what structure its weights have is found from their numbers alone, whatever tool gave
it to them. The file's weights are the model's, bit for bit, and so the outputs are equal.
"""

import json
import pathlib
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from source.config.config import require
from source.config.errors import ConfigError, DataError, ExportError
from source.config.settings import adopt, settings
from source.exporter import container
from source.exporter.artefact.keras_file import KerasModel
from source.exporter.artefact.packed_file import as_array, load_packed, same_bits, stored_names, stored_variables
from source.exporter.container.architecture import Weight, reduced
from source.exporter.container.packed import MOST_SLOW_ELEMENTS, PackedFile, written
from source.exporter.exporter import ExporterConfig
from source.exporter.file_exporter import FileExporter, FileExporterConfig

_LARGE = 1024  # elements of a tensor that the notes tell of


@settings
class Config(FileExporterConfig):
    """Settings of the packed exporter.

    Attributes:
        negative_zeros: whether the sign of a zero is kept. It changes no result, and costs a bit for each zero where
            signs are mixed, as rounding leaves them; without, the weights are equal as numbers.
        context_elements: a model of more elements is written without codings in contexts, which take 2 microseconds an
            element to read and 6 to write.
    """

    negative_zeros: bool = True
    context_elements: int = MOST_SLOW_ELEMENTS

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.context_elements >= 0, "context_elements", "at least 0", self.context_elements)


class PackedExporter(FileExporter):
    """Writes a packed file and compares every weight with it, bit by bit."""

    suffix = ".esp"
    config: Config
    _classes: dict[str, Any]

    def write(self, model: keras.Model, path: pathlib.Path, examples: Sequence[np.ndarray]) -> Sequence[str]:
        """Writes the file and returns how each large tensor is written, and what all take.

        Args:
            model: plain.
            path: where to write.
            examples: not used.

        Raises:
            ConfigError: for a model that cannot be described or holds what the file cannot.
            ExportError: if the file's weights are not the model's.
        """
        self._classes = _own_classes(model)
        weights = self._weights(model)
        described = _described(model)
        path.write_bytes(written(reduced(described), weights, self.config.context_elements))
        try:
            load_packed(path, self._classes)
        except DataError:
            # Some layers build their weights only with what was left out.
            path.write_bytes(written(described, weights, self.config.context_elements))
            self._check_loads(path, model)
        file = container.read(path)
        different = same_bits(model, file) if self.config.negative_zeros else []
        if different:
            raise ExportError(f"packed: the file's weights are not the model's: {', '.join(different)}.")
        return _notes(file, weights)

    def tolerance(self, model: keras.Model) -> float:
        """Returns 0: the same weights give the same outputs."""
        return 0.0

    def answered(self, path: pathlib.Path, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Returns what the loaded file answers.

        Args:
            path: of the file.
            inputs: one array an input.
        """
        return KerasModel(path, load_packed(path, self._classes)).run(inputs)

    def _weights(self, model: keras.Model) -> list[tuple[Weight, np.ndarray]]:
        found = []
        variables = stored_variables(model)
        for name, variable in zip(stored_names(variables), variables, strict=True):
            array = as_array(variable)
            dtype = keras.backend.standardize_dtype(variable.dtype)
            if not self.config.negative_zeros and "float" in dtype:
                array = np.where(array == 0, np.zeros_like(array), array)
            found.append((Weight(name, dtype, tuple(array.shape)), array))
        return found

    def _check_loads(self, path: pathlib.Path, model: keras.Model) -> None:
        try:
            load_packed(path, self._classes)
        except DataError as error:
            raise ConfigError(f"Model `{model.name}` cannot be loaded again from its description: {error}") from error


def build(config: ExporterConfig) -> PackedExporter:
    """Returns an exporter of packed files.

    Args:
        config: how the file is compared, and whether the sign of zeros is kept.
    """
    return PackedExporter(adopt(Config, config))


def _described(model: keras.Model) -> Any:
    try:
        return json.loads(model.to_json())
    except (NotImplementedError, TypeError, ValueError) as error:
        first = " ".join(str(error).partition("Please")[0].split()).rstrip(".")
        raise ConfigError(
            f"Model `{model.name}` cannot be described: {first}. Build it of layers, with "
            "`keras.Model(inputs, outputs)` or `keras.Sequential`, or give its class a `get_config`."
        ) from error


def _own_classes(model: keras.layers.Layer) -> dict[str, Any]:
    """Returns the classes of the model's layers that are not of Keras, by name, those of nested models too."""
    kind = type(model)
    own = {} if kind.__module__.startswith("keras.") else {kind.__name__: kind}
    for layer in getattr(model, "layers", ()):
        own.update(_own_classes(layer))
    return own


def _notes(file: PackedFile, weights: Sequence[tuple[Weight, np.ndarray]]) -> list[str]:
    rows = file.describe()
    large = [
        f"{row.path}: {'x'.join(map(str, row.shape))}, {row.bits:.2f} bits each, {row.bytes:,} bytes ({row.coding})."
        for row, (_, array) in zip(rows, weights, strict=True)
        if array.size >= _LARGE
    ]
    plain = sum(array.nbytes for _, array in weights)
    coded = sum(row.bytes for row in rows)
    signed = sum(int((np.signbit(array) & (array == 0)).sum()) for each, array in weights if "float" in each.dtype)
    total = (
        f"{len(rows)} tensors of {plain:,} bytes take {coded:,}; architecture and frame {file.bytes - coded:,}: "
        f"1/{plain / file.bytes:.1f} of the weights' bytes."
    )
    zeros = f"{signed:,} zeros have a minus, which is kept; `negative_zeros=False` drops it and saves bytes."
    return [*large, total, *([zeros] if signed else [])]
