"""The packed file: its frame, what is checked before anything in it is believed, and what it holds."""

import hashlib
import math
import pathlib
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from source.config.errors import ConfigError, DataError
from source.exporter.container import architecture, tensor
from source.exporter.container.architecture import Weight
from source.exporter.container.byte_stream import Cursor, varint
from source.exporter.container.common_words import WORDS
from source.exporter.container.tensor import Description

MAGIC = b"\x89ESP"
VERSION = 1
CHECKSUM_BYTES = 8
# A file stands for at most this many elements, so that few bytes cannot ask for much memory.
ELEMENTS_A_BYTE = 1 << 12
ELEMENTS_AT_LEAST = 1 << 20
_MOST_TEXT = 1 << 20
_MOST_AXES = 32
# Models above this take no codings in contexts, which take some 2 microseconds an element to read and 6 to write.
MOST_SLOW_ELEMENTS = 1 << 22


def written(described: Any, weights: Sequence[tuple[Weight, np.ndarray]], most_slow: int = MOST_SLOW_ELEMENTS) -> bytes:
    """Returns the bytes of a packed file; the same for the same model.

    Args:
        described: the architecture, of plain values; one that is `reduced` takes fewer bytes.
        weights: name and numbers of each tensor, in the order of the model.
        most_slow: a model of more elements takes no codings in contexts.

    Raises:
        ConfigError: for a dtype that the format does not know.
    """
    for each, _ in weights:
        if each.dtype not in tensor.SIZES:
            raise ConfigError(f"{each.path}: a packed file cannot hold {each.dtype}. Use {', '.join(tensor.SIZES)}.")
    text = architecture.to_text(described, [each for each, _ in weights]).encode()
    if len(text) > _MOST_TEXT:
        raise ConfigError(f"The architecture takes {len(text)} bytes of text, and a packed file holds {_MOST_TEXT}.")
    elements = sum(array.size for _, array in weights)
    parts = [varint(len(text)), *_with_size(_deflated(text))]
    for each, array in weights:
        parts += _with_size(tensor.encode(_patterns(array, each.dtype), each.dtype, elements <= most_slow))
    body = b"".join(parts)
    least = -(-(elements - ELEMENTS_AT_LEAST) // ELEMENTS_A_BYTE)
    body = body.ljust(least, b"\0")
    head = MAGIC + bytes([VERSION])
    # The length counts itself, so it is tried until it fits.
    total = len(head) + len(body) + CHECKSUM_BYTES
    total = next(size for size in range(total, total + 10) if size == total + len(varint(size)))
    framed = head + varint(total) + body
    return framed + _checksum(framed)


class PackedFile:
    """A packed file, open.

    Attributes:
        path: of the file.
        bytes: that it takes.
        architecture: what Keras needs to build the model, without weights.
        weights: name, dtype and shape of each tensor, in the order of the model.
        tensors: from a name to the tensor; decoded each time it is asked for.
    """

    def __init__(self, path: pathlib.Path, data: bytes) -> None:
        self.path = path
        self.bytes = len(data)
        cursor = _opened(data, str(path))
        self.architecture, self.weights = _read_text(cursor)
        _check_weights(self.weights, len(data), cursor)
        self._coded = [cursor.take(cursor.varint()) for _ in self.weights]
        if cursor.rest().strip(b"\0"):
            raise cursor.wrong("there is something behind the last tensor")
        self.tensors: Mapping[str, np.ndarray] = _Tensors(self)

    def patterns(self, index: int) -> np.ndarray:
        """Returns a tensor as the bit patterns of its elements.

        Args:
            index: of the tensor, in `weights`.

        Raises:
            DataError: if its bytes make no sense.
        """
        each = self.weights[index]
        return tensor.decode(self._coded[index], each.dtype, each.shape, f"{self.path}: {each.path}")

    def array(self, index: int) -> np.ndarray:
        """Returns a tensor; a bfloat16, which NumPy lacks, as the float32 of the same value.

        Args:
            index: of the tensor, in `weights`.

        Raises:
            DataError: if its bytes make no sense.
        """
        found, dtype = self.patterns(index), self.weights[index].dtype
        if dtype == "bool":
            return found != 0
        if dtype == "bfloat16":
            return (found.astype(np.uint32) << 16).view(np.float32)
        return found.view(dtype)

    def describe(self) -> list[Description]:
        """Returns how each tensor is written."""
        return [
            Description(each.path, each.dtype, each.shape, tensor.coding_of(coded), len(coded))
            for each, coded in zip(self.weights, self._coded, strict=True)
        ]

    def __str__(self) -> str:
        rows = self.describe()
        width = max((len(row.path) for row in rows), default=0)
        lines = [
            f"{row.path:<{width}}  {'x'.join(map(str, row.shape)) or '1':>14}  {row.bits:6.2f} bits"
            f"  {row.bytes:>9,} B  {row.coding}"
            for row in rows
        ]
        rest = self.bytes - sum(row.bytes for row in rows)
        return "\n".join([*lines, f"{self.path}: {self.bytes:,} bytes, {rest:,} of them architecture and frame"])


class _Tensors(Mapping[str, np.ndarray]):
    """The tensors by name."""

    def __init__(self, file: PackedFile) -> None:
        self._file = file
        self._places = {each.path: index for index, each in enumerate(file.weights)}

    def __getitem__(self, path: str) -> np.ndarray:
        return self._file.array(self._places[path])

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def read_file(path: pathlib.Path) -> PackedFile:
    """Returns a packed file, checked.

    Args:
        path: of the file.

    Raises:
        DataError: for a file that is missing, broken, of another kind or of a later version.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: the file cannot be read: {error.strerror}.") from error
    return PackedFile(path, data)


def _opened(data: bytes, name: str) -> Cursor:
    """Returns a cursor over what is between the frame's head and its checksum."""
    if not data.startswith(MAGIC):
        raise DataError(f"{name}: no packed file: it does not begin with {MAGIC!r}.")
    cursor = Cursor(data[len(MAGIC) : -CHECKSUM_BYTES], name)
    version = cursor.byte()
    if version != VERSION:
        raise DataError(f"{name}: a packed file of version {version}; this Espalier reads {VERSION}, or it is broken.")
    length = cursor.varint()
    if length != len(data):
        raise cursor.wrong(f"it has {len(data)} bytes where its head says {length}")
    if _checksum(data[:-CHECKSUM_BYTES]) != data[-CHECKSUM_BYTES:]:
        raise cursor.wrong("the checksum is wrong")
    return cursor


def _read_text(cursor: Cursor) -> tuple[Any, list[Weight]]:
    size = cursor.varint()
    if size > _MOST_TEXT:
        raise cursor.wrong(f"an architecture of {size} bytes is more than {_MOST_TEXT}")
    expander = zlib.decompressobj(-zlib.MAX_WBITS, WORDS)
    try:
        text = expander.decompress(cursor.take(cursor.varint()), size + 1)
        if len(text) != size or not expander.eof:
            raise cursor.wrong(f"the architecture is not of {size} bytes")
        return architecture.from_text(text.decode())
    except zlib.error as error:
        raise cursor.wrong(f"the architecture cannot be expanded ({error})") from error
    except ValueError as error:
        if isinstance(error, DataError):
            raise
        raise cursor.wrong(f"the architecture makes no sense ({error})") from error


def _check_weights(weights: list[Weight], size: int, cursor: Cursor) -> None:
    elements = 0
    for each in weights:
        if each.dtype not in tensor.SIZES or len(each.shape) > _MOST_AXES:
            raise cursor.wrong(f"{each.path}: there is no tensor of {each.dtype} with {len(each.shape)} axes")
        elements += math.prod(each.shape)
    most = ELEMENTS_AT_LEAST + ELEMENTS_A_BYTE * size
    if elements > most:
        raise cursor.wrong(f"{elements} elements are more than the {most} that {size} bytes may hold")
    if len({each.path for each in weights}) != len(weights):
        raise cursor.wrong("two tensors have one name")


def _patterns(array: np.ndarray, dtype: str) -> np.ndarray:
    return np.ascontiguousarray(array).reshape(-1).view(f"u{tensor.SIZES[dtype]}").reshape(array.shape)


def _with_size(data: bytes) -> list[bytes]:
    return [varint(len(data)), data]


def _deflated(text: bytes) -> bytes:
    # Level 9 and the most memory; which bytes come out is zlib's affair, and the reader's not.
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, 9, zlib.Z_DEFAULT_STRATEGY, WORDS)
    return packer.compress(text) + packer.flush()


def _checksum(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=CHECKSUM_BYTES).digest()
