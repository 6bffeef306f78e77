"""Arrays of integers as C text, and weights packed to the bits that they need."""

import textwrap
from collections.abc import Iterable

import numpy as np

_WIDTHS = (1, 2, 4, 8, 16)


def width_of(codes: np.ndarray) -> int:
    """Returns the bits that weights are stored with: 1 for -1 and 1 alone, else 2, 4, 8 or 16 of two's complement.

    Args:
        codes: integers of at most 16 bits.
    """
    if np.isin(codes, (-1, 1)).all():
        return 1
    low, high = int(codes.min()), int(codes.max())
    return next(width for width in _WIDTHS[1:] if -(1 << (width - 1)) <= low and high < 1 << (width - 1))


def packed(codes: np.ndarray, width: int) -> np.ndarray:
    """Returns codes as bytes, low bits first; the last byte is filled with zeros.

    Args:
        codes: integers in C order.
        width: 1, 2, 4, 8 or 16.
    """
    flat = codes.reshape(-1).astype(np.int64)
    fields = (flat > 0).astype(np.int64) if width == 1 else flat & ((1 << width) - 1)
    if width == 16:
        return fields.astype("<u2").view(np.uint8)
    per_byte = 8 // width
    fields = np.pad(fields, (0, -len(fields) % per_byte)).reshape(-1, per_byte)
    return (fields << (np.arange(per_byte) * width)).sum(axis=1).astype(np.uint8)


def array_text(kind: str, name: str, numbers: Iterable[int]) -> str:
    """Returns the definition of a constant array.

    Args:
        kind: of C, such as `int8_t`.
        name: a C identifier.
        numbers: integers; -2^31 is written so that no compiler warns.
    """
    # C has no negative literals: 2147483648 would be taken for a number of 64 bits before its sign is.
    words = ("(-2147483647 - 1)" if each == -(1 << 31) else str(int(each)) for each in numbers)
    body = textwrap.fill(", ".join(words), 116, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)
    return f"static const {kind} {name}[] = {{\n{body}\n}};\n"
