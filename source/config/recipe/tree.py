"""Trees of located values: dotted keys become mappings, mappings merge deeply, everything else replaces."""

from collections.abc import Iterator, Sequence
from typing import Any

from source.config.errors import ConfigError
from source.config.recipe.yaml_text import MOST_LEVELS, Located

Path = tuple[str, ...]
_MOST_DIGITS = 9
_LONGEST = 200
_LONGEST_KEY = 100


def expanded(tree: Located, path: Path = ()) -> Located:
    """Returns a tree in which `a.b: 1` is `a: {b: 1}`, in every mapping.

    Args:
        tree: as it was read.
        path: of the tree in a larger one, for messages.

    Raises:
        ConfigError: for a dotted key with an empty part, one that is too long, or with too many.
    """
    if isinstance(tree.value, list):
        items = [expanded(each, (*path, str(index))) for index, each in enumerate(tree.value)]
        return Located(items, tree.place)
    if not isinstance(tree.value, dict):
        return tree
    whole = Located({}, tree.place)
    for key, value in tree.value.items():
        parts = tuple(key.split("."))
        if not all(parts):
            raise ConfigError(f"{value.place}: {dotted((*path, key))}: a part of this key is empty.")
        if len(path) + len(parts) > MOST_LEVELS:
            raise ConfigError(
                f"{value.place}: {dotted((*path, *parts))}: values stand in more than {MOST_LEVELS} others."
            )
        if max(map(len, parts)) > _LONGEST_KEY:
            raise ConfigError(
                f"{value.place}: {dotted((*path, *parts))}: a key of {len(key):,} characters is too long."
            )
        below = expanded(value, (*path, *parts))
        for part in reversed(parts):
            below = Located({part: below}, value.place)
        whole = merged(whole, below)
    return whole


def merged(below: Located, above: Located) -> Located:
    """Returns two trees as one: mappings merge, and otherwise what is above replaces.

    A mapping whose keys are numbers of places in a list replaces these: `members.0.sparsity=0.9`.

    Args:
        below: what was there.
        above: what comes later.

    Raises:
        ConfigError: for a place that the list does not have.
    """
    if not isinstance(above.value, dict):
        return above
    if isinstance(below.value, list) and above.value and all(key.isdecimal() for key in above.value):
        return _with_places(below, above)
    if not isinstance(below.value, dict):
        return above
    result = dict(below.value)
    for key, value in above.value.items():
        result[key] = merged(result[key], value) if key in result else value
    return Located(result, below.place)


def _with_places(below: Located, above: Located) -> Located:
    items = list(below.value)
    for key, value in above.value.items():
        if not _is_place(key, items):
            raise ConfigError(
                f"{value.place}: expected a place in a list of {len(items)}, from 0. Received: {key[:20]}."
            )
        items[int(key)] = merged(items[int(key)], value)
    return Located(items, below.place)


def _is_place(part: str, items: Sequence[Any]) -> bool:
    """Whether a part of a path is the number of something in a list."""
    return part.isdecimal() and len(part) <= _MOST_DIGITS and int(part) < len(items)


def plain(tree: Located) -> Any:
    """Returns the value without its places.

    Args:
        tree: any.
    """
    if isinstance(tree.value, dict):
        return {key: plain(value) for key, value in tree.value.items()}
    return [plain(value) for value in tree.value] if isinstance(tree.value, list) else tree.value


def at(tree: Located, path: Sequence[str]) -> Located | None:
    """Returns what stands at a path; None if nothing does.

    Args:
        tree: any.
        path: keys, and numbers of places in lists.
    """
    found: Located | None = tree
    for part in path:
        if found is None:
            return None
        if isinstance(found.value, dict):
            found = found.value.get(part)
        elif isinstance(found.value, list) and _is_place(part, found.value):
            found = found.value[int(part)]
        else:
            return None
    return found


def nearest_above(tree: Located, path: Sequence[str]) -> Located:
    """Returns what stands at a path, or at the longest part of its beginning.

    Args:
        tree: any.
        path: as for `at`.
    """
    for length in range(len(path), 0, -1):
        if (found := at(tree, path[:length])) is not None:
            return found
    return tree


def leaves(tree: Located, path: Path = ()) -> Iterator[tuple[Path, Located]]:
    """Yields every scalar, and every empty list or mapping, with its path.

    Args:
        tree: any.
        path: of the tree in a larger one.
    """
    if isinstance(tree.value, (dict, list)) and tree.value:
        items = tree.value.items() if isinstance(tree.value, dict) else enumerate(tree.value)
        for key, value in items:
            yield from leaves(value, (*path, str(key)))
    else:
        yield path, tree


def dotted(path: Sequence[str]) -> str:
    """Returns a path as a user writes it, cut where it becomes long.

    Args:
        path: keys, and numbers of places in lists.
    """
    text = ".".join(path)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
