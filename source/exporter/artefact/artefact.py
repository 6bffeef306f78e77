"""What an exported file is to those who run, compare and time it."""

import abc
import os
import pathlib
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from source.config.errors import DataError


class Artefact(abc.ABC):
    """An exported file, loaded and ready to be run.

    Attributes:
        kind: what the file is called in tables, such as "LiteRT".
        path: of the file, or of the folder.
    """

    kind: ClassVar[str]

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path

    @property
    @abc.abstractmethod
    def input_specs(self) -> list[tuple[tuple[int | None, ...], str]]:
        """Shape and dtype of every input, in the order of the Keras model; None for a length that is free."""

    @abc.abstractmethod
    def run(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Returns the outputs, as float32 where the model had floats, in the order of the Keras model.

        Inputs are those of the Keras model. A file of integers is given numbers, and answers with numbers: the
        conversion to its codes and back is part of `run`.

        Args:
            inputs: one array (b, ...) an input.
        """

    @property
    def bytes(self) -> int:
        """Bytes on disk."""
        return size_on_disk(self.path)

    def check_inputs(self, inputs: Sequence[np.ndarray]) -> None:
        """Refuses inputs that do not fit.

        Args:
            inputs: one array an input.

        Raises:
            DataError: naming what was expected.
        """
        if len(inputs) != len(self.input_specs):
            raise DataError(f"{self.path}: expected {len(self.input_specs)} inputs. Received: {len(inputs)}.")
        for index, (given, (shape, _)) in enumerate(zip(inputs, self.input_specs, strict=True)):
            fits = len(given.shape) == len(shape) and all(
                wanted in (None, length) for wanted, length in zip(shape[1:], given.shape[1:], strict=True)
            )
            if not fits:
                raise DataError(f"{self.path}: input {index} has shape {shape}. Received: {given.shape}.")


def size_on_disk(path: str | os.PathLike[str]) -> int:
    """Returns the bytes of a file, or of all files in a folder.

    Args:
        path: a file or a folder.
    """
    place = pathlib.Path(path)
    files = [place] if place.is_file() else [each for each in place.rglob("*") if each.is_file()]
    return sum(each.stat().st_size for each in files)
