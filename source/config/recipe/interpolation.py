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
from source.config.recipe.yaml_text import MOST_CHARACTERS, MOST_LEVELS, Located, check_printable
from source.config.shown import shown

_ENVIRONMENT = "oc.env"
_MISSING = "???"
_BEGIN = "${"
# What stands between the braces of a reference has no braces of its own.
_REFERENCE = re.compile(r"\$\{([^${}]*)\}")
_PATH = re.compile(r"\.*[^\s.\[\]()\\:,'\"]+(?:\.[^\s.\[\]()\\:,'\"]+|\[[^\s.\[\]()\\:,'\"]+\])*")
_CALL = re.compile(r"([\w.]*)\s*:(.*)", re.DOTALL)
_VARIABLE = re.compile(r"\s*\w+\s*(?:,[^'\"\\]*)?", re.ASCII)
_LONGEST_REASON = 300
_NOT_FOUND = re.compile(r"Interpolation key ('.*') not found")
# Those of a chain of references; each is some calls deep.
_MOST_OPEN = 150


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
    if not any(_BEGIN in leaf.value or leaf.value == _MISSING for _, leaf in texts):
        return tree
    for path, leaf in texts:
        _check_text(path, leaf)
    _Sizes(tree).of(())
    made = _located(_by_omegaconf(tree), tree)
    for path, leaf in leaves(made):
        if isinstance(leaf.value, str):
            _check_made(path, leaf)
    return made


def _check_text(path: Path, leaf: Located) -> None:
    """Refuses what is no reference of the two kinds that there are, and a value that is still to be given."""
    where = f"{leaf.place}: {dotted(path)}"
    if leaf.value == _MISSING:
        raise ConfigError(f"{where}: needs a value: {dotted(path)}=VALUE.")
    if leaf.value.count(_BEGIN) != len(_REFERENCE.findall(leaf.value)):
        raise ConfigError(f"{where}: `${{` begins a reference, such as ${{a.b}}. Received: {shown(leaf.value)}.")
    for inner in _REFERENCE.findall(leaf.value):
        _check_reference(where, inner)


def _check_reference(where: str, inner: str) -> None:
    call = _CALL.fullmatch(inner.strip())
    if call is None and not _PATH.fullmatch(inner.strip()):
        raise ConfigError(f"{where}: expected a path between the braces of ${{a.b}}. Received: {shown(inner)}.")
    if call is not None and call[1] != _ENVIRONMENT:
        name = shown(f"${{{call[1]}:...}}")
        raise ConfigError(
            f"{where}: there is no {name}. `${{a.b}}` is the value at a.b, `${{{_ENVIRONMENT}:NAME,default}}` "
            "a variable of the environment."
        )
    if call is not None and not _VARIABLE.fullmatch(call[2]):
        raise ConfigError(
            f"{where}: expected ${{{_ENVIRONMENT}:NAME}} or ${{{_ENVIRONMENT}:NAME,default}}. "
            f"Received: {shown(f'${{{inner}}}')}."
        )


def _check_made(path: Path, leaf: Located) -> None:
    """Refuses text from the environment that is none for a recipe."""
    check_printable(leaf.value, leaf.place)
    if _BEGIN in leaf.value or leaf.value == _MISSING:
        raise ConfigError(f"{leaf.place}: {dotted(path)}: the environment gives {shown(leaf.value)}, a reference.")


def _by_omegaconf(tree: Located) -> Any:
    import omegaconf  # 0.2 s, for recipes that refer to something

    whole = plain(tree)
    try:
        made = omegaconf.OmegaConf.create({key: whole[key] for key in _concerned(tree)})
        found: Any = omegaconf.OmegaConf.to_container(made, resolve=True)
        return {**whole, **found}
    except omegaconf.errors.OmegaConfBaseException as error:
        path = tuple(part for part in re.split(r"[.\[\]]+", str(getattr(error, "full_key", None) or "")) if part)
        place = nearest_above(tree, path).place
        where = f"{dotted(path)}: " if path else ""
        raise ConfigError(f"{place}: {where}{_reason(error)}{_guess(tree, path)}") from None
    except RecursionError:
        raise ConfigError(f"{tree.place}: too many references refer to references.") from None


def _concerned(tree: Located) -> list[str]:
    """Returns the keys below which something refers, or may be referred to; a large network seldom is among them."""
    referring = [(path[0], leaf.value) for path, leaf in leaves(tree) if path and _refers(leaf.value)]
    text = " ".join(value for _, value in referring)
    return [key for key in tree.value if key in text or any(key == first for first, _ in referring)]


def _refers(value: Any) -> bool:
    return isinstance(value, str) and _BEGIN in value


def _reason(error: Exception) -> str:
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    if found := _NOT_FOUND.match(first):
        return f"there is no {shown(found[1][1:-1])} to refer to."
    first = first[:_LONGEST_REASON]
    return first.rstrip(".") + "."


def _guess(tree: Located, path: Path) -> str:
    """Returns the nearest known path to the one that a value refers to, after a space; or nothing."""
    leaf = at(tree, path)
    if leaf is None or not isinstance(leaf.value, str):
        return ""
    for inner in _REFERENCE.findall(leaf.value):
        name = inner.strip()
        if name[:1] != "." and at(tree, _parts(name)) is None:
            return " " + did_you_mean(name, [dotted(each) for each in _paths(tree)])
    return ""


def _paths(tree: Located, path: Path = ()) -> Iterator[Path]:
    if isinstance(tree.value, dict):
        for key, value in tree.value.items():
            yield (*path, key)
            if len(path) < 2:
                yield from _paths(value, (*path, key))


def _parts(name: str) -> Path:
    """Returns the path that `a.b[0]` means."""
    return tuple(part for part in re.split(r"[.\[\]]+", name) if part)


def _located(value: Any, written: Located) -> Located:
    """Returns a resolved value with the places of what was written."""
    if isinstance(value, dict):
        return Located({key: _located(each, _below(written, key)) for key, each in value.items()}, written.place)
    if isinstance(value, list):
        parts = [_located(each, _below(written, str(index))) for index, each in enumerate(value)]
        return Located(parts, written.place)
    return Located(value, written.place)


def _below(written: Located, key: str) -> Located:
    return at(written, (key,)) or Located(None, written.place)


class _Sizes:
    """How much text, and how deep, every value is when its references are resolved: each computed once."""

    def __init__(self, tree: Located) -> None:
        self._tree = tree
        self._known: dict[Path, tuple[int, int]] = {}
        self._open: set[Path] = set()

    def of(self, path: Path) -> tuple[int, int]:
        """Returns the characters and the levels of a value, refusing cycles and too many of either."""
        if path in self._known:
            return self._known[path]
        node = nearest_above(self._tree, path)
        where = f"{node.place}: {dotted(path)}"
        if path in self._open:
            raise ConfigError(f"{where}: refers to itself.")
        if len(self._open) >= _MOST_OPEN:
            raise ConfigError(f"{where}: too many references refer to references.")
        self._open.add(path)
        size, depth = self._computed(path, node)
        self._open.remove(path)
        if size > MOST_CHARACTERS:
            raise ConfigError(f"{where}: references make more than {MOST_CHARACTERS:,} characters.")
        if depth > MOST_LEVELS:
            raise ConfigError(f"{where}: references make values that stand in more than {MOST_LEVELS} others.")
        self._known[path] = size, depth
        return size, depth

    def _computed(self, path: Path, node: Located) -> tuple[int, int]:
        if isinstance(node.value, (dict, list)):
            keys = node.value if isinstance(node.value, dict) else map(str, range(len(node.value)))
            inner = [self.of((*path, key)) for key in keys]
            return 1 + sum(size for size, _ in inner), 1 + max((depth for _, depth in inner), default=0)
        size, deepest = 1, 0
        if isinstance(node.value, str):
            size += len(node.value)
            for match in _REFERENCE.finditer(node.value):
                target = () if ":" in match[1] else self._target(path, match[1].strip())
                more, depth = self.of(target) if target else (0, 0)
                size, deepest = size + more, max(deepest, depth)
                self._check_text(path, node, match, target)
        return size, deepest

    def _check_text(self, path: Path, node: Located, match: re.Match[str], target: Path) -> None:
        found = at(self._tree, target) if target else None
        if found is not None and isinstance(found.value, (dict, list)) and match[0] != node.value.strip():
            kind = "mapping" if isinstance(found.value, dict) else "list"
            raise ConfigError(
                f"{node.place}: {dotted(path)}: {dotted(target)} is a {kind}, "
                "which cannot stand inside a text. Refer to one value of it."
            )

    def _target(self, path: Path, reference: str) -> Path:
        """Returns the path of the longest part of what is referred to that is there; empty if nothing is."""
        name = reference.lstrip(".")
        dots = len(reference) - len(name)
        whole = (*(path[: len(path) - dots] if dots else ()), *_parts(name)[: MOST_LEVELS + 1])
        while whole and at(self._tree, whole) is None:
            whole = whole[:-1]
        return whole
