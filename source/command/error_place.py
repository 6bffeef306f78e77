"""From a message that begins with a setting to the same with the file and line of the recipe where it was written."""

import re
from collections.abc import Iterator

from source.config.recipe.parts import SEVERAL, SINGLE
from source.config.recipe.tree import Path, at, dotted
from source.config.recipe.yaml_text import Located

# What a part of an application calls the settings that a recipe has under the name of the part.
_CALLED = {f"{key}_options": key for key in ("network", "augmenter", "batch_augmenter", "compressor")}
_CALLED["exporter_options"] = "exporters"
_PREFIX = re.compile(r"([A-Za-z_]\w*(?:\.\w+|\[\d+\])*): ")
_QUOTED = re.compile(r"`([A-Za-z_]\w*(?:\.\w+|\[\d+\])*)`(?= )")
_CLASS = re.compile(r"[A-Z]\w*")


def located(message: str, recipe: Located) -> str:
    """Returns a message with file, line and whole path of the setting that it is about, once.

    "compressor_options: members[0]: `sparsity` must be ..." becomes
    "prune.yaml:7: `compressor.members.0.sparsity` must be ...".

    Args:
        message: of an error.
        recipe: resolved; what the message is about may stand anywhere in it, or nowhere.
    """
    path, rest = _without_prefixes(message)
    quoted = _QUOTED.match(rest)
    if quoted and (found := _find((*path, *_parts(quoted[1])), recipe)):
        return f"{_place(found, recipe)}: `{dotted(found)}`{rest[quoted.end() :]}"
    if path and (found := _find(path, recipe)):
        return f"{_place(found, recipe)}: {dotted(found)}: {rest}"
    return message


def _without_prefixes(message: str) -> tuple[Path, str]:
    """Returns the path that all prefixes of a message make, and what follows them."""
    path: Path = ()
    while found := _PREFIX.match(message):
        if not _CLASS.fullmatch(found[1]):
            path = (*path, *_parts(found[1]))
        message = message[found.end() :]
    return path, message


def _parts(text: str) -> Path:
    return tuple(part for part in re.split(r"[.\[\]]+", text) if part)


def _find(path: Path, recipe: Located) -> Path | None:
    """Returns the whole path of a setting that the recipe has."""
    first, *rest = path
    path = (_CALLED.get(first, first), *rest)
    for root in _roots(recipe):
        if at(recipe, (*root, *path)) is not None:
            return (*root, *path)
        if root and first in (root[-1], _name(root, recipe)) and at(recipe, (*root, *rest)) is not None:
            return (*root, *rest)
    return None


def _roots(recipe: Located) -> Iterator[Path]:
    """Yields where settings stand: at the top, and below the name of each part."""
    yield ()
    yield from ((key,) for key in SINGLE)
    for key in SEVERAL:
        listed = at(recipe, (key,))
        yield from ((key, name) for name in (listed.value if listed and isinstance(listed.value, dict) else ()))


def _name(root: Path, recipe: Located) -> str:
    """Returns the name of the plugin of a part."""
    name = at(recipe, (*root, "name")) or at(recipe, root)
    return str(name.value) if name is not None else ""


def _place(path: Path, recipe: Located) -> str:
    found = at(recipe, path)
    return "" if found is None else str(found.place)
