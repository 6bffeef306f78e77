"""The list of examples of a split: where each one comes from, its label, and its file, bytes or pixels."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from source.inputter._faults import BadExample, Faults

_OUT_OF_RANGE = "label {label} is out of range: expected 0 to {last} (num_classes={classes})"


class Files:
    """Encoded images in files of their own."""

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = np.asarray(paths, dtype=object)

    def __len__(self) -> int:
        return len(self.paths)

    def take(self, index: np.ndarray) -> "Files":
        """Returns those at the given positions."""
        return Files(self.paths[index])

    def reader(self) -> Callable[[tf.Tensor], tf.Tensor]:
        """Returns the function of the graph from a position to the bytes there."""
        paths = on_host([str(path) for path in self.paths], tf.string)
        return lambda index: tf.io.read_file(tf.gather(paths, index))

    def read(self, index: int) -> bytes:
        """Returns the bytes at a position; OSError says why there are none."""
        return Path(self.paths[index]).read_bytes()


class Encoded:
    """Encoded images in memory."""

    def __init__(self, contents: Sequence[bytes]) -> None:
        self.contents = np.asarray(contents, dtype=object)

    def __len__(self) -> int:
        return len(self.contents)

    def take(self, index: np.ndarray) -> "Encoded":
        """Returns those at the given positions."""
        return Encoded(self.contents[index])

    def reader(self) -> Callable[[tf.Tensor], tf.Tensor]:
        """Returns the function of the graph from a position to the bytes there."""
        contents = on_host(list(self.contents), tf.string)
        return lambda index: tf.gather(contents, index)

    def read(self, index: int) -> bytes:
        """Returns the bytes at a position."""
        return self.contents[index]


class Pixels:
    """Decoded images of one size in memory, uint8 (n, h, w, c)."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __len__(self) -> int:
        return len(self.array)

    def take(self, index: np.ndarray) -> "Pixels":
        """Returns those at the given positions."""
        return Pixels(self.array[index])


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where examples come from, to name them in messages.

    Attributes:
        files: the files that list or hold them.
        file_of: (n,) positions in `files`.
        row_of: (n,) rows in those files, counted from 1; None when each file is one example.
        unit: what rows count: "row", "record" or "example".
    """

    files: Sequence[str]
    file_of: np.ndarray
    row_of: np.ndarray | None
    unit: str = "row"

    def take(self, index: np.ndarray) -> "Origin":
        """Returns the origin of the examples at the given positions."""
        rows = None if self.row_of is None else self.row_of[index]
        return dataclasses.replace(self, file_of=self.file_of[index], row_of=rows)

    def bad(self, index: int, reason: str) -> BadExample:
        """Returns the example at a position as one that cannot be used."""
        row = None if self.row_of is None else int(self.row_of[index])
        return BadExample(str(self.files[self.file_of[index]]), row, reason, self.unit)


def one_file_each(paths: Sequence[str]) -> Origin:
    """Returns the origin of examples that are files."""
    return Origin(paths, np.arange(len(paths)), None)


def counted(file: str, count: int, unit: str = "example") -> Origin:
    """Returns the origin of the examples 1, ..., count of one file."""
    return Origin((file,), np.zeros(count, np.int64), np.arange(1, count + 1), unit)


@dataclasses.dataclass(frozen=True)
class Examples:
    """The examples of a split.

    Attributes:
        payload: their files, bytes or pixels.
        labels: int64 (n,).
        origin: where they come from.
    """

    payload: Files | Encoded | Pixels
    labels: np.ndarray
    origin: Origin

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, index: np.ndarray) -> "Examples":
        """Returns the examples at the given positions, rising; all of them are returned without a copy."""
        if len(index) == len(self):
            return self
        return Examples(self.payload.take(index), self.labels[index], self.origin.take(index))


@dataclasses.dataclass(frozen=True)
class Data:
    """What a plugin finds.

    Attributes:
        train: the examples to train on, if any.
        evaluate: the examples to evaluate on, if any.
        class_names: what the data calls its classes; empty when it does not say.
    """

    train: Examples | None = None
    evaluate: Examples | None = None
    class_names: tuple[str, ...] = ()


def concatenated(parts: Sequence[Examples]) -> Examples | None:
    """Returns the examples of several files as one list; None if there is no part.

    All parts must hold the same kind of payload, and pixels of one size.
    """
    if len(parts) < 2:
        return parts[0] if parts else None
    files = [file for part in parts for file in part.origin.files]
    starts = np.cumsum([0, *(len(part.origin.files) for part in parts)])
    file_of = np.concatenate([part.origin.file_of + start for part, start in zip(parts, starts, strict=False)])
    rows = [part.origin.row_of for part in parts]
    row_of = None if any(row is None for row in rows) else np.concatenate([row for row in rows if row is not None])
    origin = Origin(files, file_of, row_of, parts[0].origin.unit)
    labels = np.concatenate([part.labels for part in parts])
    return Examples(_joined([part.payload for part in parts]), labels, origin)


def with_labels_in_range(examples: Examples, num_classes: int, faults: Faults) -> Examples:
    """Returns the examples without those whose label no class has.

    Args:
        examples: the examples.
        num_classes: labels run from 0 to num_classes - 1.
        faults: what to do with a label out of range.

    Raises:
        DataError: naming file and row, if `faults` says to stop.
    """
    is_good = (examples.labels >= 0) & (examples.labels < num_classes)
    for index in np.flatnonzero(~is_good):
        reason = _OUT_OF_RANGE.format(label=examples.labels[index], last=num_classes - 1, classes=num_classes)
        faults.add(examples.origin.bad(int(index), reason))
    return examples.take(np.flatnonzero(is_good))


def _joined(payloads: list) -> Files | Encoded | Pixels:
    kind = type(payloads[0])
    name = {Files: "paths", Encoded: "contents", Pixels: "array"}[kind]
    return kind(np.concatenate([getattr(payload, name) for payload in payloads]))


def on_host(values: Sequence | np.ndarray, dtype: tf.DType) -> tf.Tensor:
    """Returns values as a tensor in main memory, where `tf.data` works, whatever devices there are."""
    with tf.device("CPU:0"):
        return tf.constant(values, dtype)
