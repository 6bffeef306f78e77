"""Inputter: image classification from CSV files that list image files and labels."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from source.config.config import require
from source.config.image_classification_config import ImageClassificationInputterConfig
from source.config.nearest import did_you_mean
from source.config.settings import adopt, settings
from source.inputter import _table
from source.inputter._examples import Data, Examples, Files, Origin, concatenated
from source.inputter._faults import BadExample, Faults
from source.inputter._image_classification import ImageClassificationInputter


@settings
class Config(ImageClassificationInputterConfig):
    """How the CSV files are written. `train_dataset_meta` and `eval_dataset_meta` name them.

    A row holds the path of an image, relative to the folder of the CSV file, and its label: a whole number, or one
    of `class_names`.

    Attributes:
        delimiter: the character between cells.
        quotechar: the character around cells that hold a delimiter; None finds out which of " and ' it is.
        header: whether the first row names the columns; None finds out: its label is neither number nor class name.
        image_column: the column of the path, counted from 0.
        label_column: the column of the label, counted from 0.
    """

    delimiter: str = ","
    quotechar: str | None = None
    header: bool | None = None
    image_column: int = 0
    label_column: int = 1

    def __post_init__(self) -> None:
        """Refuses impossible columns and separators."""
        ImageClassificationInputterConfig.__post_init__(self)
        require(len(self.delimiter) == 1, "delimiter", "one character", self.delimiter)
        require(self.quotechar is None or len(self.quotechar) == 1, "quotechar", "one character", self.quotechar)
        require(self.image_column >= 0, "image_column", "at least 0", self.image_column)
        require(
            self.label_column >= 0 and self.label_column != self.image_column,
            "label_column",
            f"at least 0 and not image_column={self.image_column}",
            self.label_column,
        )


def build(config: ImageClassificationInputterConfig, augmenter: Any = None) -> ImageClassificationInputter:
    """Returns the inputter of CSV files.

    Args:
        config: settings.
        augmenter: a module or an object with `augment`; None takes the one that `config` names, if any.
    """
    adopted = adopt(Config, config)
    return ImageClassificationInputter(adopted, lambda faults: _load(adopted, faults), augmenter)


def _load(config: Config, faults: Faults) -> Data:
    return Data(_read(config, config.train_meta, faults), _read(config, config.evaluate_meta, faults))


def _read(config: Config, files: Sequence[str], faults: Faults) -> Examples | None:
    return concatenated([_read_file(config, file, faults) for file in files])


def _read_file(config: Config, file: str, faults: Faults) -> Examples:
    paths: list[str] = []
    labels: list[int] = []
    numbers: list[int] = []
    folder, columns = os.path.dirname(file), 0
    for row in _table.rows(Path(file), config.delimiter, config.quotechar):
        if not columns:
            columns = len(row.cells)
            if _is_header(config, row):
                continue
        label = _label(config, row, columns)
        if isinstance(label, str):
            faults.add(BadExample(file, row.number, label))
            continue
        paths.append(os.path.join(folder, os.path.expanduser(row.cells[config.image_column])))
        labels.append(label)
        numbers.append(row.number)
    origin = Origin((file,), np.zeros(len(labels), np.int64), np.asarray(numbers, np.int64))
    return Examples(Files(paths), np.asarray(labels, np.int64), origin)


def _is_header(config: Config, row: _table.Row) -> bool:
    """Whether a first row names the columns instead of an example."""
    if config.header is not None:
        return config.header
    if max(config.image_column, config.label_column) >= len(row.cells):
        return False
    # A number of any kind is a label, if perhaps a wrong one; and a header names no file.
    label, image = row.cells[config.label_column], row.cells[config.image_column]
    return not (_is_number(label) or label in config.class_names or os.path.splitext(image)[1])


def _label(config: Config, row: _table.Row, columns: int) -> int | str:
    """Returns the label of a row, or in words what is wrong with the row."""
    needed = max(config.image_column, config.label_column) + 1
    if len(row.cells) != columns or columns < needed:
        received = f"{len(row.cells)} ({config.delimiter.join(row.cells)!r})"
        return f"expected {max(columns, needed)} columns. Received: {received}"
    text = row.cells[config.label_column]
    if not row.cells[config.image_column]:
        return "the path of the image is empty"
    if text in config.class_names:
        return config.class_names.index(text)
    try:
        return int(text)
    except ValueError:
        pass
    if config.class_names:
        return f"label {text!r} is neither a class name nor a whole number. {did_you_mean(text, config.class_names)}"
    return f"label {text!r} is not a whole number from 0 to {config.num_classes - 1}; give `class_names` to use names"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
