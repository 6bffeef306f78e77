"""NumPy archives of images and labels."""

import zipfile
import zlib
from pathlib import Path

import numpy as np

from source.config.errors import DataError
from source.inputter._examples import Data, Examples, Pixels, counted

_LAYOUTS = (
    ({"train": ("x_train", "y_train"), "evaluate": ("x_test", "y_test")}),
    ({"train": ("images", "labels")}),
    ({"train": ("x", "y")}),
)
_EXPECTED = "x_train and y_train (x_test and y_test), images and labels, or x and y"


def load(path: Path) -> Data:
    """Returns the images of an archive with x_train, y_train, x_test, y_test, or with images, labels.

    Images are uint8 (n, h, w) or (n, h, w, c), labels whole numbers (n,) or (n, 1). Pickled objects are refused.

    Args:
        path: a `.npz` file.

    Raises:
        DataError: naming the file and the array at fault.
    """
    try:
        archive = np.load(path, allow_pickle=False)
    except OSError as error:
        raise DataError(f"{path}: the file cannot be read ({error.strerror or error}).") from error
    except (zipfile.BadZipFile, EOFError, ValueError) as error:
        raise DataError(f"{path}: not a NumPy archive, or a damaged one ({error}).") from error
    if not isinstance(archive, np.lib.npyio.NpzFile):
        raise DataError(f"{path}: expected an archive of several arrays. Received: a single array.")
    with archive:
        return _data(path, archive)


def _data(path: Path, archive: np.lib.npyio.NpzFile) -> Data:
    for layout in _LAYOUTS:
        parts = {split: names for split, names in layout.items() if any(name in archive for name in names)}
        if parts:
            found = {split: _examples(path, archive, *names) for split, names in parts.items()}
            return Data(found.get("train"), found.get("evaluate"))
    raise DataError(f"{path}: expected arrays named {_EXPECTED}. Received: {', '.join(archive.files) or 'none'}.")


def _examples(path: Path, archive: np.lib.npyio.NpzFile, images_name: str, labels_name: str) -> Examples:
    images, labels = _array(path, archive, images_name), _array(path, archive, labels_name)
    if images.dtype != np.uint8 or images.ndim not in (3, 4):
        raise DataError(
            f"{path}, array {images_name}: expected uint8 (n, h, w) or (n, h, w, c) from 0 to 255. "
            f"Received: {images.dtype} {images.shape}."
        )
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.dtype.kind not in "iu" or labels.shape != (len(images),):
        raise DataError(
            f"{path}, array {labels_name}: expected one whole number for each of {len(images)} images. "
            f"Received: {labels.dtype} {labels.shape}."
        )
    images = images if images.ndim == 4 else images[..., np.newaxis]
    return Examples(Pixels(images), labels.astype(np.int64), counted(f"{path}, array {labels_name}", len(labels)))


def _array(path: Path, archive: np.lib.npyio.NpzFile, name: str) -> np.ndarray:
    if name not in archive:
        raise DataError(f"{path}: expected an array named {name}. Received: {', '.join(archive.files)}.")
    try:
        return archive[name]
    except (ValueError, EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path}, array {name}: cannot be used ({error}).") from error
