"""Writes a finished model as a program of integers that NumPy alone can run: the reference for other runtimes."""

import pathlib
from collections.abc import Sequence

import keras
import numpy as np

from source.config.settings import adopt, settings
from source.exporter.exporter import ExporterConfig
from source.exporter.file_exporter import FileExporter, FileExporterConfig
from source.exporter.integer.program import Program, accumulators
from source.exporter.integer.program_file import write_program
from source.exporter.integer.requantization import Rounding
from source.exporter.integer_lowering.lower import lowered


@settings
class Config(FileExporterConfig):
    """Settings of the integer reference.

    Attributes:
        rounding: how accumulators become codes: "single", to the nearest code at once, ties upwards, or "double",
            twice, as TensorFlow Lite's reference kernels do.
    """

    rounding: Rounding = "single"


class IntegerReferenceExporter(FileExporter):
    """Writes the integer program of a finished model."""

    suffix = ".npz"

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._rounding = config.rounding

    def write(self, model: keras.Model, path: pathlib.Path, examples: Sequence[np.ndarray]) -> Sequence[str]:
        """Writes the file and says how many bits accumulators need."""
        program = lowered(model, self._rounding)
        write_program(program, path)
        return accumulator_notes(program)

    def tolerance(self, model: keras.Model) -> float:
        """Returns 0.05: a few of 255 codes; a model of floats rounds its own sums, at times to the next code."""
        return 0.05


def build(config: ExporterConfig) -> IntegerReferenceExporter:
    """Returns an exporter of integer programs.

    Args:
        config: settings.
    """
    return IntegerReferenceExporter(adopt(Config, config))


def accumulator_notes(program: Program) -> list[str]:
    """Returns a line for each operation with an accumulator: how many bits it needs at most.

    Args:
        program: checked.
    """
    return [f"{each.name}: accumulator of {each.bits} bits, at most {each.largest:,}" for each in accumulators(program)]
