"""Nearest known names, for messages about names that were not found."""

import difflib
from collections.abc import Iterable

_LISTED_NAMES = 12


def nearest(name: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """Returns the known names that look most like `name`, best first.

    Args:
        name: the name that was not found.
        known: the names that exist.
        limit: how many to return at most.

    Returns:
        At most `limit` names; empty when none is similar.
    """
    by_folded = {candidate.lower(): candidate for candidate in known}
    matches = difflib.get_close_matches(name.lower(), list(by_folded), n=limit, cutoff=0.55)
    return [by_folded[match] for match in matches]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Returns a sentence that offers the nearest known names, or lists what is known.

    Args:
        name: the name that was not found.
        known: the names that exist.

    Returns:
        "Did you mean `a` or `b`?", or "Known: a, b, c." when nothing is similar, or "None is known."
    """
    names = sorted(set(known))
    matches = nearest(name, names)
    if matches:
        return "Did you mean " + " or ".join(f"`{match}`" for match in matches) + "?"
    if not names:
        return "None is known."
    more = f" and {len(names) - _LISTED_NAMES} more" if len(names) > _LISTED_NAMES else ""
    return "Known: " + ", ".join(names[:_LISTED_NAMES]) + more + "."
