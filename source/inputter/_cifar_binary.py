"""CIFAR-10 and CIFAR-100 in their binary version.

https://www.cs.toronto.edu/~kriz/cifar.html: a record is one label byte (two for CIFAR-100: coarse, then fine) and 3072
bytes of pixels, 32x32, all of red, then green, then blue.
"""

from pathlib import Path

import numpy as np

from source.config.errors import DataError
from source.inputter._examples import Data, Examples, Pixels, concatenated, counted

_SIDE, _CHANNELS = 32, 3
_PIXELS = _SIDE * _SIDE * _CHANNELS
_TRAIN10 = [f"data_batch_{number}.bin" for number in range(1, 6)]
_HUNDRED = ("train.bin", "test.bin")
_SUBFOLDERS = ("cifar-10-batches-bin", "cifar-100-binary")


def load(path: Path) -> Data | None:
    """Returns the images of a folder of batches, or of one batch file.

    Args:
        path: `cifar-10-batches-bin`, `cifar-100-binary`, the folder above, or a `.bin` file.

    Returns:
        The data; None if a folder holds no batch. Missing training batches are an error, a missing test batch is not.
        One file is training data, unless its name begins with test.

    Raises:
        DataError: naming the file and the offset of the fault.
    """
    if path.is_file():
        part = read(path)
        return Data(evaluate=part) if path.name.startswith("test") else Data(train=part)
    for folder in (path, *(path / name for name in _SUBFOLDERS)):
        if any((folder / name).is_file() for name in (_TRAIN10[0], "test_batch.bin")):
            return _folder(folder, _TRAIN10, "test_batch.bin", "batches.meta.txt")
        if any((folder / name).is_file() for name in _HUNDRED):
            return _folder(folder, [_HUNDRED[0]], _HUNDRED[1], "fine_label_names.txt")
    return None


def read(path: Path) -> Examples:
    """Returns the images of one batch file; of two labels, the fine one.

    Args:
        path: a `.bin` file; `train.bin` and `test.bin` are CIFAR-100's.

    Raises:
        DataError: naming the file and the offset at which a record is cut off.
    """
    labels = 2 if path.name in _HUNDRED else 1
    record = labels + _PIXELS
    try:
        contents = np.fromfile(path, np.uint8)
    except OSError as error:
        raise DataError(f"{path}: the file cannot be read ({error.strerror}).") from error
    if not len(contents) or len(contents) % record:
        whole = len(contents) // record
        raise DataError(
            f"{path}, offset {whole * record}: expected records of {record} bytes. Received: {len(contents)} bytes, "
            f"which are {whole} records and {len(contents) % record} bytes."
        )
    records = contents.reshape(-1, record)
    planes = records[:, labels:].reshape(-1, _CHANNELS, _SIDE, _SIDE)
    images = np.ascontiguousarray(planes.transpose(0, 2, 3, 1))
    origin = counted(str(path), len(images), "record")
    return Examples(Pixels(images), records[:, labels - 1].astype(np.int64), origin)


def _folder(folder: Path, train: list[str], test: str, names: str) -> Data:
    has_training = any((folder / name).is_file() for name in train)
    missing = [name for name in train if not (folder / name).is_file()]
    if has_training and missing:
        raise DataError(f"{folder}: expected the batches {', '.join(train)}. Missing: {', '.join(missing)}.")
    parts = [read(folder / name) for name in train] if has_training else []
    held_out = read(folder / test) if (folder / test).is_file() else None
    listed = (folder / names).read_text().split() if (folder / names).is_file() else []
    return Data(concatenated(parts), held_out, tuple(listed))
