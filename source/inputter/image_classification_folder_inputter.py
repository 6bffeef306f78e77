"""Inputter: image classification from folders of images, a folder for each class."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from source.config.errors import ConfigError, DataError
from source.config.image_classification_config import ImageClassificationInputterConfig
from source.config.nearest import did_you_mean
from source.config.settings import adopt, settings
from source.inputter._examples import Data, Examples, Files, concatenated, one_file_each
from source.inputter._faults import Faults
from source.inputter._image_classification import ImageClassificationInputter

_TRAIN = ("train", "training")
_EVALUATE = ("val", "valid", "validation", "eval", "evaluate", "test")
# What file managers leave behind; every other file is an example, so that none is lost without a word.
_LEFT_BEHIND = {"thumbs.db", "desktop.ini"}


@settings
class Config(ImageClassificationInputterConfig):
    """Where the folders are: `train_dataset_meta` and `eval_dataset_meta` name folders that hold class folders.

    A folder that holds `train` and `val` (or `valid`, `validation`, `eval`, `test`, the first that is there) gives
    training and evaluation data. Class folders are labelled in sorted order and may hold folders of their own;
    names that begin with a dot are passed over.
    """


def build(config: ImageClassificationInputterConfig, augmenter: Any = None) -> ImageClassificationInputter:
    """Returns the inputter of folders.

    Args:
        config: settings.
        augmenter: a module or an object with `augment`; None takes the one that `config` names, if any.
    """
    adopted = adopt(Config, config)
    return ImageClassificationInputter(adopted, lambda faults: _load(adopted, faults), augmenter)


def _load(config: Config, faults: Faults) -> Data:
    roots, eval_roots = list(map(_folder, config.train_meta)), list(map(_folder, config.evaluate_meta))
    train = [_part(root, _TRAIN) or root for root in roots]
    evaluate = [_part(root, _EVALUATE) or root for root in eval_roots]
    if not evaluate:
        evaluate = [part for root in roots if _part(root, _TRAIN) and (part := _part(root, _EVALUATE))]
    names = config.class_names or _class_names(train or evaluate, config.num_classes)
    return Data(_examples(train, names), _examples(evaluate, names), tuple(names))


def _folder(name: str) -> Path:
    path = Path(name)
    if not path.is_dir():
        raise DataError(f"{path}: expected a folder that holds a folder for each class. There is no such folder.")
    return path


def _part(root: Path, names: Sequence[str]) -> Path | None:
    """Returns the first folder below `root` that has one of the names and holds folders itself."""
    return next((root / name for name in names if (root / name).is_dir() and _folders(root / name)), None)


def _class_names(roots: Sequence[Path], num_classes: int) -> tuple[str, ...]:
    """Returns the names of all class folders, sorted.

    Raises:
        ConfigError: unless there are `num_classes`.
    """
    names = sorted({name for root in roots for name in _folders(root)})
    if roots and len(names) != num_classes:
        raise ConfigError(
            f"`num_classes` must be {len(names)}, the number of class folders in {roots[0]}"
            f" ({', '.join(names[:5])}{', ...' if len(names) > 5 else ''}). Received: num_classes={num_classes}."
        )
    return tuple(names)


def _examples(roots: Sequence[Path], names: Sequence[str]) -> Examples | None:
    return concatenated([_read(root, names) for root in roots])


def _read(root: Path, names: Sequence[str]) -> Examples:
    paths: list[str] = []
    labels: list[int] = []
    for name in _folders(root):
        if name not in names:
            raise DataError(f"{root / name}: the folder is none of the classes. {did_you_mean(name, names)}")
        found = _files(root / name)
        paths += found
        labels += [names.index(name)] * len(found)
    if not paths:
        raise DataError(f"{root}: expected images in a folder for each class. There is none.")
    return Examples(Files(paths), np.asarray(labels, np.int64), one_file_each(paths))


def _folders(root: Path) -> list[str]:
    return sorted(entry.name for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def _files(folder: Path) -> list[str]:
    """Returns all files at any depth below a folder, in sorted order."""
    found = []
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        wanted = (name for name in files if not name.startswith(".") and name.lower() not in _LEFT_BEHIND)
        found += [os.path.join(parent, name) for name in sorted(wanted)]
    return found
