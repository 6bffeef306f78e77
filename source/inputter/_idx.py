"""IDX files, plain or gzipped: the format of MNIST and Fashion-MNIST.

http://yann.lecun.com/exdb/mnist: two zero bytes, the type (8: unsigned byte), the number of axes, the length of each
axis as a big-endian 32-bit number, then the values.
"""

import gzip
import zlib
from pathlib import Path

import numpy as np

from source.config.errors import DataError
from source.inputter._examples import Data, Examples, Pixels, counted

_UNSIGNED_BYTE = 8
_NAMES = {"train": ("train-images", "train-labels"), "evaluate": ("t10k-images", "t10k-labels")}
_AXES = {"images": 3, "labels": 1}


def is_idx(path: Path) -> bool:
    """Whether a file's name is that of an IDX file: it holds `idx` and a number, or `-ubyte`."""
    return "-ubyte" in path.name or any(f"idx{axes}" in path.name for axes in (1, 3))


def load(path: Path) -> Data | None:
    """Returns the images of a folder of the four files, or of one image file whose labels stand beside it.

    Args:
        path: a folder or an image file.

    Returns:
        The data; None if a folder holds no image file. One image file is training data unless its name begins
        with t10k.

    Raises:
        DataError: naming the file and the offset of the fault, if a file is not what it should be.
    """
    if path.is_dir():
        found = {split: _find(path, images) for split, (images, _) in _NAMES.items()}
    else:
        is_test = path.name.startswith(_NAMES["evaluate"][0])
        found = {"evaluate" if is_test else "train": path}
    parts = {split: _examples(file) for split, file in found.items() if file is not None}
    return Data(parts.get("train"), parts.get("evaluate")) if parts else None


def read(path: Path, axes: int) -> np.ndarray:
    """Returns the values of one file, uint8.

    Args:
        path: the file, gzipped or not.
        axes: how many axes are expected: 3 for images, 1 for labels.

    Raises:
        DataError: naming the file and the offset of the fault.
    """
    contents = _contents(path)
    header = 4 + 4 * axes
    expected = bytes([0, 0, _UNSIGNED_BYTE, axes])
    if contents[:4] != expected:
        raise DataError(
            f"{path}, offset 0: expected the IDX magic number {expected.hex()} (unsigned bytes, {axes} axes). "
            f"Received: {contents[:4].hex() or 'an empty file'}."
        )
    if len(contents) < header:
        raise DataError(f"{path}, offset {len(contents)}: the file ends inside its {header}-byte header.")
    shape = tuple(int(size) for size in np.frombuffer(contents, ">u4", axes, 4))
    size = int(np.prod(shape, dtype=object))
    if len(contents) != header + size:
        raise DataError(
            f"{path}, offset {min(len(contents), header + size)}: expected {size} bytes of values "
            f"for the shape {shape}. Received: {len(contents) - header} bytes."
        )
    return np.frombuffer(contents, np.uint8, size, header).reshape(shape)


def _examples(path: Path) -> Examples:
    beside = _labels_beside(path)
    images, labels = read(path, _AXES["images"]), read(beside, _AXES["labels"])
    if len(images) != len(labels):
        raise DataError(
            f"{path}: expected as many labels as images. Received: {len(images)} images, {len(labels)} labels."
        )
    return Examples(Pixels(images[..., np.newaxis]), labels.astype(np.int64), counted(str(path), len(images)))


def _contents(path: Path) -> bytes:
    """Returns the bytes of a file, unpacked if they are gzipped."""
    try:
        contents = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: the file cannot be read ({error.strerror}).") from error
    if contents[:2] != b"\x1f\x8b":
        return contents
    try:
        return gzip.decompress(contents)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        unpacked = zlib.decompressobj(wbits=31)
        offset = len(_unpacked(unpacked, contents))
        raise DataError(
            f"{path}, offset {offset} (unpacked): the gzip data is damaged or ends too early ({error})."
        ) from error


def _unpacked(decompressor: "zlib._Decompress", contents: bytes) -> bytes:
    """Returns what can be unpacked of damaged gzip data."""
    pieces = []
    for start in range(0, len(contents), 4096):
        try:
            pieces.append(decompressor.decompress(contents[start : start + 4096]))
        except zlib.error:
            break
    return b"".join(pieces)


def _find(folder: Path, start: str) -> Path | None:
    files = sorted(file for file in folder.iterdir() if file.name.startswith(start) and is_idx(file))
    return files[0] if files else None


def _labels_beside(path: Path) -> Path:
    """Returns the label file of an image file: `images` and `idx3` in its name become `labels` and `idx1`."""
    if "images" not in path.name:
        raise DataError(
            f"{path}: expected an image file with `images` in its name, to find the labels by. Received: {path.name}."
        )
    name = path.name.replace("images", "labels").replace("idx3", "idx1")
    other = name.removesuffix(".gz") if name.endswith(".gz") else f"{name}.gz"
    for candidate in (path.with_name(name), path.with_name(other)):
        if candidate.is_file():
            return candidate
    raise DataError(f"{path}: the file of its labels is missing. Expected: {path.with_name(name)}.")
