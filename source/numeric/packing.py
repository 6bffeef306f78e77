"""Codes of any width to bytes and back, without a wasted bit."""

import numpy as np

from source.config.errors import DataError

_WORD = 8


def packed_size(count: int, bits: int) -> int:
    """Returns the bytes that `count` codes of `bits` bits take: ceil(count * bits / 8)."""
    return -(-count * bits // _WORD)


def pack(codes: np.ndarray, bits: int) -> bytes:
    """Returns the codes one after the other, the lowest bit first; the last byte is filled up with zeros.

    Args:
        codes: integers in [0, 2^bits), of any shape, taken in C order.
        bits: width of a code, 1 to 32.

    Raises:
        DataError: for a code that has no such width.
    """
    flat = np.asarray(codes).reshape(-1)
    if flat.size and (flat.min() < 0 or flat.max() >> bits):
        raise DataError(f"Codes must be in [0, 2^{bits}). Received: {flat.min()} to {flat.max()}.")
    if bits in (8, 16, 32):
        return flat.astype(f"<u{bits // _WORD}").tobytes()
    shifts = np.arange(bits, dtype=np.uint32)
    planes = (flat.astype(np.uint32)[:, np.newaxis] >> shifts & 1).astype(np.uint8)
    return np.packbits(planes, bitorder="little").tobytes()


def unpack(data: bytes, bits: int, count: int) -> np.ndarray:
    """Returns `count` codes as int64; the inverse of `pack`.

    Args:
        data: packed codes.
        bits: width of a code, 1 to 32.
        count: how many there are.

    Raises:
        DataError: when the bytes are not as many as the codes take.
    """
    if len(data) != packed_size(count, bits):
        needed = packed_size(count, bits)
        raise DataError(f"{count} codes of {bits} bits take {needed} bytes. Received: {len(data)} bytes.")
    if bits in (8, 16, 32):
        return np.frombuffer(data, f"<u{bits // _WORD}").astype(np.int64)
    planes = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little", count=count * bits)
    return planes.reshape(count, bits).astype(np.int64) @ (1 << np.arange(bits, dtype=np.int64))
