"""Bytes in words."""

_UNITS = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))


def size_text(size: float) -> str:
    """Returns bytes in words: 1 kB is 1,000 B.

    Args:
        size: in bytes.
    """
    for unit, factor in _UNITS:
        if size >= factor:
            return f"{size / factor:.3g} {unit}" if size < 999.5 * factor else f"{size / factor:.0f} {unit}"
    return f"{size:.0f} B"
