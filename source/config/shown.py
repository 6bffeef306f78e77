"""Values as messages show them: what Python calls them, cut where they become long."""

from typing import Any

_LONGEST = 200


def shown(value: Any, longest: int = _LONGEST) -> str:
    """Returns `repr(value)`, with `...` in the place of what is beyond its length.

    Args:
        value: any.
        longest: characters.
    """
    if isinstance(value, str) and len(value) > longest:
        value = value[:longest]
    if isinstance(value, (list, tuple)) and len(value) > longest:
        value = value[:longest]
    try:
        text = repr(value)
    except ValueError:  # Python does not write whole numbers of more than 4,300 digits
        return "a number of too many digits"
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
