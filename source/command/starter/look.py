"""Looks at a folder of class folders, a CSV file or a NumPy archive: classes, counts, splits and sizes."""

import csv
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from source.command.starter.found import Found, Shapes, shapes_of
from source.config.errors import DataError

# As the inputter of folders has them; a test holds them against each other.
TRAIN = ("train", "training")
EVALUATE = ("val", "valid", "validation", "eval", "evaluate", "test")
_LEFT_BEHIND = {"thumbs.db", "desktop.ini"}
_DELIMITERS = ",;\t"
_SPLITS = ((("x_train", "y_train"), ("x_test", "y_test")), (("images", "labels"), None), (("x", "y"), None))
_FIRST_BYTES = 65536


def look(path: str, evaluate: str = "") -> Found:
    """Returns what there is.

    Args:
        path: a folder that holds class folders, or `train` and `val` with class folders; a CSV file of paths and
            labels; or a `.npz` archive.
        evaluate: another of the same kind, to evaluate on; empty if there is none.

    Raises:
        DataError: if there is no such thing, or nothing to learn from in it.
    """
    kinds = {".csv": _table, ".tsv": _table, ".txt": _table, ".npz": _archive}
    where = Path(path).expanduser()
    reader = _folder if where.is_dir() else kinds.get(where.suffix.lower())
    if not where.exists():
        raise DataError(f"{path}: there is no such file or folder.")
    if reader is None:
        raise DataError(f"{path}: expected a folder of class folders, a .csv file or a .npz archive.")
    found: Found = reader(path, evaluate)
    if len(found.classes) < 2:
        raise DataError(f"{path}: expected two classes or more. Found: {', '.join(found.classes) or 'none'}.")
    return found


def _folder(path: str, evaluate: str) -> Found:
    root = Path(path).expanduser()
    train = _part(root, TRAIN)
    held_out = Path(evaluate).expanduser() if evaluate else _part(root, EVALUATE) if train else None
    files, others = _by_class(train or root), _by_class(held_out) if held_out else {}
    classes = tuple(sorted({*files, *others}))
    if not any(files.values()):
        lists = sorted(each.name for each in root.glob("*.csv"))
        hint = f" There is {lists[0]}; name that file." if lists else ""
        raise DataError(f"{path}: expected pictures in a folder for each class. There is none.{hint}")
    shapes = _shapes(path, [file for name in classes for file in files.get(name, ())])
    counts = {name: (len(files.get(name, ())), len(others.get(name, ()))) for name in classes}
    return Found(
        inputter="image_classification_folder_inputter",
        train=path,
        evaluate=evaluate,
        classes=classes,
        counts=counts,
        shapes=shapes,
    )


def _part(root: Path, names: Sequence[str]) -> Path | None:
    return next((root / name for name in names if (root / name).is_dir() and _folders(root / name)), None)


def _folders(root: Path) -> list[Path]:
    return sorted(each for each in root.iterdir() if each.is_dir() and not each.name.startswith("."))


def _by_class(root: Path) -> dict[str, list[str]]:
    """Returns the files of each class folder, at any depth."""
    return {folder.name: sorted(_files(folder)) for folder in _folders(root)}


def _files(folder: Path) -> Iterator[str]:
    for parent, below, names in os.walk(folder):
        below[:] = [name for name in below if not name.startswith(".")]
        wanted = (name for name in names if not name.startswith(".") and name.lower() not in _LEFT_BEHIND)
        yield from (os.path.join(parent, name) for name in wanted)


def _table(path: str, evaluate: str) -> Found:
    rows, delimiter = _rows(path)
    others = _rows(evaluate)[0] if evaluate else []
    labels = [label for _, label in (*rows, *others)]
    numbered = all(label.isdecimal() for label in labels)
    classes = tuple(map(str, range(max(map(int, labels)) + 1))) if numbered else tuple(sorted(set(labels)))
    missing = [file for file, _ in rows if not Path(file).is_file()]
    if missing:
        raise DataError(f"{path}: {len(missing)} of {len(rows)} pictures are not there. The first is {missing[0]}.")
    return Found(
        inputter="image_classification_csv_inputter",
        train=path,
        evaluate=evaluate,
        classes=classes,
        counts=_counts(classes, Counter(label for _, label in rows), Counter(label for _, label in others)),
        shapes=_shapes(path, [file for file, _ in rows]),
        settings={} if delimiter == "," else {"delimiter": delimiter},
        named=not numbered,
    )


def _rows(path: str) -> tuple[list[tuple[str, str]], str]:
    """Returns the picture and the label of each row of a CSV file, and the character between them."""
    file = Path(path).expanduser()
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as text: {error}.") from None
    delimiter = max(_DELIMITERS, key=text[:_FIRST_BYTES].count)
    rows = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines(), delimiter=delimiter)]
    rows = [row for row in rows if any(row)]
    short = [row for row in rows if len(row) < 2]
    if not rows or short:
        raise DataError(f"{path}: expected rows of a picture and its label. Received: {short[0] if short else 'none'}.")
    if not rows[0][1].isdecimal() and not os.path.splitext(rows[0][0])[1]:
        rows = rows[1:]  # the names of the columns
    return [(os.path.join(file.parent, os.path.expanduser(row[0])), row[1]) for row in rows], delimiter


def _archive(path: str, evaluate: str) -> Found:
    import numpy as np

    if evaluate:
        raise DataError(f"{evaluate}: an archive has its own pictures to evaluate on, x_test and y_test.")
    try:
        with np.load(Path(path).expanduser(), allow_pickle=False) as arrays:
            parts = next((each for each in _SPLITS if set(each[0]) <= set(arrays.files)), None)
            if parts is None:
                raise DataError(f"{path}: expected the arrays x_train and y_train, images and labels, or x and y.")
            images, labels = (arrays[name] for name in parts[0])
            others = arrays[parts[1][1]] if parts[1] and parts[1][1] in arrays.files else np.zeros(0, np.int64)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a NumPy archive, or a damaged one ({error}).") from None
    if images.ndim not in (3, 4) or not len(images) or labels.dtype.kind not in "iu":
        raise DataError(f"{path}: expected pictures (n, h, w) or (n, h, w, c), and whole numbers as labels.")
    classes = tuple(map(str, range(int(labels.max()) + 1)))
    counted = [Counter(map(str, each.reshape(-1).tolist())) for each in (labels, others)]
    depth = 1 if images.ndim == 3 else int(images.shape[3])
    return Found(
        inputter="image_classification_array_inputter",
        train=path,
        classes=classes,
        counts=_counts(classes, *counted),
        shapes=Shapes(sizes=[images.shape[1:3]], depth=depth),
    )


def _counts(classes: Sequence[str], train: Mapping[str, int], others: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    return {name: (train.get(name, 0), others.get(name, 0)) for name in classes}


def _shapes(path: str, files: Sequence[str]) -> Shapes:
    shapes = shapes_of(files)
    if shapes is None:
        raise DataError(f"{path}: none of the files that were looked at is a picture.")
    return shapes
