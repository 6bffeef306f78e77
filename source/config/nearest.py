"""Nearest known names, for messages about names that were not found."""

import difflib
from collections.abc import Iterable

_LISTED_NAMES = 12
# Similarity is 2 * letters in common / letters of both: "evl" and "evaluate" have 0.55.
_LEAST_SIMILARITY = 0.5
# What is further behind the best than this is noise: "heigth" has 0.83 with "height" and 0.67 with "either".
_LARGEST_GAP = 0.15
# Comparing takes the product of both lengths; what is longer than this is no misspelling of a name.
_LONGEST_NAME = 100


def nearest(name: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """Returns the known names that look most like `name`, best first; capitals do not count.

    Args:
        name: the name that was not found.
        known: the names that exist.
        limit: how many to return at most.

    Returns:
        At most `limit` names; empty when none is similar.
    """
    similarity = {candidate: _similarity(name[:_LONGEST_NAME], candidate[:_LONGEST_NAME]) for candidate in known}
    best = max(similarity.values(), default=0.0)
    enough = max(_LEAST_SIMILARITY, best - _LARGEST_GAP)
    matches = [candidate for candidate, value in similarity.items() if value >= enough]
    return sorted(matches, key=lambda candidate: (-similarity[candidate], candidate))[:limit]


def _similarity(name: str, candidate: str) -> float:
    return difflib.SequenceMatcher(None, name.lower(), candidate.lower(), autojunk=False).ratio()


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
