"""An integer program's `.npz` file, run by NumPy alone."""

import pathlib
from collections.abc import Sequence

import numpy as np

from source.exporter.artefact.artefact import Artefact
from source.exporter.integer.program import Program, run
from source.exporter.integer.program_file import read_program


class IntegerProgram(Artefact):
    """A program of integers: numbers are rounded to its codes, and its codes turned into numbers.

    Attributes:
        program: what the file holds.
    """

    kind = "integer reference"

    def __init__(self, path: pathlib.Path, program: Program) -> None:
        super().__init__(path)
        self.program = program

    @property
    def input_specs(self) -> list[tuple[tuple[int | None, ...], str]]:
        """Shape and dtype of every input of the model."""
        return [((None, *self.program.tensors[name].shape), "float32") for name in self.program.inputs]

    def run(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Returns the outputs as float32 numbers.

        Args:
            inputs: numbers, one array (b, ...) an input.
        """
        self.check_inputs(inputs)
        tensors = self.program.tensors
        codes = [tensors[name].rounded(each) for name, each in zip(self.program.inputs, inputs, strict=True)]
        answers = run(self.program, codes)
        return [tensors[name].numbers(each) for name, each in zip(self.program.outputs, answers, strict=True)]


def open_file(path: pathlib.Path, threads: int | None) -> IntegerProgram:
    """Returns the program of a file.

    Args:
        path: of a `.npz` file.
        threads: not used: NumPy's threads are those of the process.
    """
    return IntegerProgram(path, read_program(path))
