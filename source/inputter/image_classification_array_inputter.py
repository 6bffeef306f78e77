"""Inputter: image classification from files that hold many images: `.npz`, IDX, CIFAR batches, TFRecord."""

import glob
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from source.config.errors import DataError
from source.config.image_classification_config import ImageClassificationInputterConfig
from source.config.settings import adopt, settings
from source.inputter import _cifar_binary, _idx, _image, _npz, _tfrecord
from source.inputter._examples import Data, Examples, Pixels, concatenated
from source.inputter._faults import Faults
from source.inputter._image_classification import ImageClassificationInputter

_EXPECTED = (
    "a .npz file, IDX files (train-images-idx3-ubyte.gz), CIFAR batches (data_batch_1.bin) or TFRecord files, "
    "or a folder of one of the last three"
)
_CONVERTED_AT_ONCE = 4096


@settings
class Config(ImageClassificationInputterConfig):
    """Where the arrays are: `train_dataset_meta` and the like name files, folders or patterns (`train-*-of-*`).

    A file or folder that has a training and a test part gives both, unless `eval_dataset_meta` says otherwise.
    """


def build(config: ImageClassificationInputterConfig, augmenter: Any = None) -> ImageClassificationInputter:
    """Returns the inputter of files that hold many images.

    Args:
        config: settings.
        augmenter: a module or an object with `augment`; None takes the one that `config` names, if any.
    """
    adopted = adopt(Config, config)
    return ImageClassificationInputter(adopted, lambda faults: _load(adopted, faults), augmenter)


def _load(config: Config, faults: Faults) -> Data:
    found = [_open(path, faults) for path in _expanded(config.train_meta)]
    held_out = [_open(path, faults) for path in _expanded(config.evaluate_meta)]
    train = [part for data in found if (part := data.train or data.evaluate)]
    test = [data.evaluate for data in found if data.train and data.evaluate]
    evaluate = [part for data in held_out if (part := data.evaluate or data.train)]
    names = [data.class_names for data in (*found, *held_out) if len(data.class_names) == config.num_classes]
    return Data(
        _joined(train, config.image_depth),
        _joined(evaluate or test, config.image_depth),
        names[0] if names else (),
    )


def _open(path: Path, faults: Faults) -> Data:
    """Returns what a file or a folder holds, by its name."""
    if not path.exists():
        raise DataError(f"{path}: there is no such file or folder.")
    if path.is_dir():
        data = _idx.load(path) or _cifar_binary.load(path) or _records(path, faults)
    elif path.suffix == ".npz":
        data = _npz.load(path)
    elif _idx.is_idx(path):
        data = _idx.load(path)
    elif path.suffix == ".bin":
        data = _cifar_binary.load(path)
    else:
        data = _tfrecord.load(path, faults) if _tfrecord.is_tfrecord(path) else None
    if data is None:
        raise DataError(f"{path}: expected {_EXPECTED}.")
    return data


def _records(folder: Path, faults: Faults) -> Data | None:
    """Returns all TFRecord files of a folder as training data; None if there is none."""
    files = [file for file in sorted(folder.iterdir()) if file.is_file() and _tfrecord.is_tfrecord(file)]
    parts = [part for file in files if (part := _tfrecord.load(file, faults).train)]
    return Data(train=concatenated(parts)) if parts else None


def _expanded(names: Sequence[str]) -> list[Path]:
    """Returns the paths that names and patterns mean."""
    paths: list[Path] = []
    for name in names:
        matches = sorted(glob.glob(name)) if glob.has_magic(name) and not Path(name).exists() else [name]
        if not matches:
            raise DataError(f"{name}: no file matches this pattern.")
        paths += map(Path, matches)
    return paths


def _joined(parts: Sequence[Examples], depth: int) -> Examples | None:
    """Returns the examples of several files as one list, pixels with the channels wanted."""
    kinds = {(type(part.payload), _shape(part)) for part in parts}
    if len(kinds) > 1:
        files = ", ".join(f"{part.origin.files[0]}: {_shape(part) or 'encoded'}" for part in parts)
        raise DataError(f"Expected images of one shape in all files. Received: {files}.")
    examples = concatenated(parts)
    if examples is None or not isinstance(examples.payload, Pixels):
        return examples
    return Examples(Pixels(_with_depth(examples, depth)), examples.labels, examples.origin)


def _shape(part: Examples) -> tuple[int, ...] | None:
    return part.payload.array.shape[1:] if isinstance(part.payload, Pixels) else None


def _with_depth(examples: Examples, depth: int) -> np.ndarray:
    array = examples.payload.array if isinstance(examples.payload, Pixels) else np.zeros(0)
    if array.shape[-1] == depth:
        return array
    if array.shape[-1] > 4:
        raise DataError(
            f"{examples.origin.files[0]}: expected images (h, w, c) of 1 to 4 channels. Received: {array.shape[1:]}."
        )
    pieces = (array[start : start + _CONVERTED_AT_ONCE] for start in range(0, len(array), _CONVERTED_AT_ONCE))
    return np.concatenate([_image.with_depth(piece, depth).numpy() for piece in pieces])
