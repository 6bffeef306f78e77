"""Bytes as bits in contexts: each of the eight depends on those above it in the same byte."""

import numpy as np

from source.exporter.container.binary_coder import Coder, Context, Decoder, Encoder


def encode(numbers: np.ndarray) -> bytes:
    """Returns numbers in [0, 256) as bytes, fewer where some are more frequent.

    Args:
        numbers: in the order of writing.
    """
    coder = Encoder()
    _code(coder, [int(each) for each in numbers], len(numbers))
    return coder.finish()


def decode(data: bytes, count: int) -> np.ndarray:
    """Returns the numbers as int64; any bytes give some numbers.

    Args:
        data: what `encode` returned.
        count: of numbers.
    """
    return np.array(_code(Decoder(data), None, count), np.int64)


def _code(coder: Coder, numbers: list[int] | None, count: int) -> list[int]:
    """Writes the numbers, or reads as many; returns them."""
    contexts = [Context() for _ in range(256)]
    found = []
    for index in range(count):
        number, node = numbers[index] if numbers is not None else 0, 1
        for left in range(7, -1, -1):
            node = node << 1 | coder.code(contexts[node], number >> left & 1)
        found.append(node & 0xFF)
    return found
