"""`${a.b}` in a recipe: what another value is, looked up when everything has been merged.

OmegaConf reads and resolves the references; before it, cycles and references that multiply are refused, and resolvers
that could do more than read a value or the environment.
"""

import re
from collections.abc import Iterator
from typing import Any

from source.config.errors import ConfigError
from source.config.nearest import did_you_mean
from source.config.recipe.tree import Path, at, dotted, leaves, nearest_above, plain
from source.config.recipe.yaml_text import MOST_CHARACTERS, Located

_RESOLVERS = ("oc.env", "oc.select")
_MISSING = "???"
_REFERENCE = re.compile(r"\$\{\s*(\.*)([^${}:]*?)\s*\}")
_CALL = re.compile(r"\$\{\s*([^${}:\s]*)\s*:")


def resolved(tree: Located) -> Located:
    """Returns a tree in which every reference is what it refers to; a value that is one reference keeps its type.

    Each value has the place where its reference was written.

    Args:
        tree: a merged recipe.

    Raises:
        ConfigError: naming file, line and path, for a reference to nothing or to itself, for references that make more
            text than a recipe can have, for an unknown resolver, and for a value that has to be given (`???`).
    """
    texts = [(path, leaf) for path, leaf in leaves(tree) if isinstance(leaf.value, str)]
    if not any("${" in leaf.value or leaf.value == _MISSING for _, leaf in texts):
        return tree
    for path, leaf in texts:
        _check_text(path, leaf)
    try:
        _Sizes(tree).of(())
    except RecursionError:
        raise ConfigError(f"{tree.place}: too many references refer to references.") from None
    return _located(_by_omegaconf(tree), tree, ())


def _check_text(path: Path, leaf: Located) -> None:
    if leaf.value == _MISSING:
        raise ConfigError(f"{leaf.place}: {dotted(path)}: needs a value: {dotted(path)}=VALUE.")
    for name in _CALL.findall(leaf.value):
        if name not in _RESOLVERS:
            raise ConfigError(
                f"{leaf.place}: {dotted(path)}: there is no `${{{name}:...}}`. {did_you_mean(name, _RESOLVERS)} "
                "`${a.b}` is the value at a.b."
            )


def _by_omegaconf(tree: Located) -> Any:
    import omegaconf  # 0.2 s, for recipes that refer to something

    try:
        made = omegaconf.OmegaConf.create(plain(tree))
        return omegaconf.OmegaConf.to_container(made, resolve=True)
    except omegaconf.errors.OmegaConfBaseException as error:
        path = tuple(part for part in re.split(r"[.\[\]]+", str(getattr(error, "full_key", None) or "")) if part)
        place = nearest_above(tree, path).place
        where = f"{dotted(path)}: " if path else ""
        raise ConfigError(f"{place}: {where}{_reason(error)}{_guess(tree, path)}") from None
    except RecursionError:
        raise ConfigError(f"{tree.place}: references refer to each other without an end.") from None


def _reason(error: Exception) -> str:
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    return first.rstrip(".") + "."


def _guess(tree: Located, path: Path) -> str:
    """Returns the nearest known path to the one that a value refers to, after a space; or nothing."""
    leaf = at(tree, path)
    if leaf is None or not isinstance(leaf.value, str):
        return ""
    for dots, name in _REFERENCE.findall(leaf.value):
        if not dots and at(tree, tuple(name.split("."))) is None:
            return " " + did_you_mean(name, [dotted(each) for each in _paths(tree)])
    return ""


def _paths(tree: Located, path: Path = ()) -> Iterator[Path]:
    if isinstance(tree.value, dict):
        for key, value in tree.value.items():
            yield (*path, key)
            if len(path) < 2:
                yield from _paths(value, (*path, key))


def _located(value: Any, written: Located, path: Path) -> Located:
    """Returns a resolved value with the places of what was written."""
    if isinstance(value, dict):
        items = {key: _located(each, _below(written, key), (*path, key)) for key, each in value.items()}
        return Located(items, written.place)
    if isinstance(value, list):
        parts = [_located(each, _below(written, str(index)), path) for index, each in enumerate(value)]
        return Located(parts, written.place)
    return Located(value, written.place)


def _below(written: Located, key: str) -> Located:
    return at(written, (key,)) or Located(None, written.place)


class _Sizes:
    """How much text every value is when its references are resolved: sums, each computed once."""

    def __init__(self, tree: Located) -> None:
        self._tree = tree
        self._sizes: dict[Path, int] = {}
        self._open: set[Path] = set()

    def of(self, path: Path) -> int:
        """Returns the characters of a value, refusing cycles and too many."""
        if path in self._sizes:
            return self._sizes[path]
        node = nearest_above(self._tree, path)
        if path in self._open:
            raise ConfigError(f"{node.place}: {dotted(path)}: refers to itself.")
        self._open.add(path)
        size = self._computed(path, node)
        self._open.remove(path)
        if size > MOST_CHARACTERS:
            raise ConfigError(
                f"{node.place}: {dotted(path)}: references make more than {MOST_CHARACTERS:,} characters."
            )
        self._sizes[path] = size
        return size

    def _computed(self, path: Path, node: Located) -> int:
        if isinstance(node.value, dict):
            return 1 + sum(self.of((*path, key)) for key in node.value)
        if isinstance(node.value, list):
            return 1 + sum(self.of((*path, str(index))) for index in range(len(node.value)))
        size = 1
        if isinstance(node.value, str):
            size += len(node.value)
            for match in _REFERENCE.finditer(node.value):
                target = self._target(path, match[1], match[2])
                size += self.of(target) if target else 0
                self._check_text(path, node, match, target)
        return size

    def _check_text(self, path: Path, node: Located, match: re.Match[str], target: Path) -> None:
        found = at(self._tree, target) if target else None
        if found is not None and isinstance(found.value, (dict, list)) and match[0] != node.value.strip():
            kind = "mapping" if isinstance(found.value, dict) else "list"
            raise ConfigError(
                f"{node.place}: {dotted(path)}: {dotted(target)} is a {kind}, "
                "which cannot stand inside a text. Refer to one value of it."
            )

    def _target(self, path: Path, dots: str, name: str) -> Path:
        """Returns the path of the longest part of what is referred to that is there; empty if nothing is."""
        base = path[: len(path) - len(dots)] if dots else ()
        parts = tuple(part for part in re.split(r"[.\[\]]+", name) if part)
        whole = (*base, *parts)
        while whole and at(self._tree, whole) is None:
            whole = whole[:-1]
        return whole
