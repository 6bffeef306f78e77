"""Bit patterns of numbers as bytes: as they are, one for all, or each byte of the pattern by itself.

Floats of one tensor differ little in sign and exponent, which the highest bytes hold; the lowest are nearly random.
"""

import numpy as np

from source.exporter.container import integers
from source.exporter.container.byte_stream import Cursor, varint

WAYS = ("stored", "same", "planes")
STORED, SAME, PLANES = range(len(WAYS))


def encode(patterns: np.ndarray, slow: bool = True) -> bytes:
    """Returns bit patterns as few bytes; none as no byte.

    Args:
        patterns: unsigned integers of 1, 2, 4 or 8 bytes.
        slow: whether codings in contexts may be tried.
    """
    if not len(patterns):
        return b""
    little = patterns.astype(patterns.dtype.newbyteorder("<"))
    if (patterns == patterns[0]).all():
        return bytes([SAME]) + little[:1].tobytes()
    coded = [
        integers.encode(plane, slow=integers.BYTES if slow else None)
        for plane in np.moveaxis(_bytes(little), 1, 0)[::-1].astype(np.int64)
    ]
    planes = bytes([PLANES]) + b"".join(varint(len(each)) + each for each in coded)
    stored = bytes([STORED]) + little.tobytes()
    return planes if len(planes) < len(stored) else stored


def decode(cursor: Cursor, count: int, dtype: np.dtype) -> np.ndarray:
    """Returns the bit patterns.

    Args:
        cursor: over what `encode` returned, and nothing behind it.
        count: of patterns.
        dtype: unsigned integers.

    Raises:
        DataError: for bytes that `encode` cannot have written.
    """
    if not count:
        cursor.end()
        return np.zeros(0, dtype)
    size, little = dtype.itemsize, dtype.newbyteorder("<")
    way = cursor.byte()
    if way == STORED:
        found = np.frombuffer(cursor.take(size * count), little)
    elif way == SAME:
        found = np.full(count, np.frombuffer(cursor.take(size), little)[0])
    elif way == PLANES:
        planes = [integers.decode(cursor.part(), count) for _ in range(size)]
        if any(plane.min() < 0 or plane.max() > 255 for plane in planes):
            raise cursor.wrong("a byte must be in [0, 256)")
        found = np.stack(planes[::-1], axis=1).astype(np.uint8).reshape(-1).view(little)
    else:
        raise cursor.wrong(f"there is no way {way} to write bit patterns")
    cursor.end()
    return found.astype(dtype)


def _bytes(little: np.ndarray) -> np.ndarray:
    """Returns (count, bytes), the lowest byte first."""
    return np.ascontiguousarray(little).view(np.uint8).reshape(len(little), little.dtype.itemsize)
