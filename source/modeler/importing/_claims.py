"""Checks what a file says of its sizes before memory is taken for it."""

import math
from collections.abc import Sequence

# Deflate packs 258 bytes into 2 bits at best; no file of ours or of Keras is coded by anything denser.
_DENSEST = 1032


def require_stored(what: str, claimed: int, stored: int, densest: int = _DENSEST) -> None:
    """Refuses an array that says it is larger than the bytes stored for it can be.

    Args:
        what: the array, to begin the message with.
        claimed: bytes it says it has.
        stored: bytes the file has for it.
        densest: most bytes that one stored byte can stand for; 1 where nothing is compressed.

    Raises:
        ValueError: if `claimed` exceeds `densest * stored`.
    """
    if claimed > densest * stored:
        raise ValueError(f"{what} claims {claimed:,} bytes, and {stored:,} are stored for it")


def size(shape: Sequence[int], item_bytes: int) -> int:
    """Returns the bytes of an array, as a number of any length.

    Args:
        shape: lengths, not negative.
        item_bytes: of one number.
    """
    return math.prod(shape) * item_bytes
