"""A recipe while it is put together: files and settings merge in order, and references are looked up at the end."""

import difflib
import os
from collections.abc import Sequence
from pathlib import Path as FilePath
from typing import Any

from source.config.errors import ConfigError, DataError
from source.config.nearest import did_you_mean
from source.config.recipe import interpolation, tree
from source.config.recipe.yaml_text import Located, Place, read_yaml

COMMAND_LINE = "command line"
BASE = "_base"
SHIPPED = FilePath(__file__).parents[2] / "recipe"
_DEEPEST = 32
_MOST_BYTES = 4_000_000


class Recipe:
    """Everything that files and settings said so far.

    Attributes:
        tree: merged, with references as they were written.
        files: names of the files, as given.
    """

    def __init__(self, defaults: dict[str, Any] | None = None) -> None:
        """Begins with what is so unless something else is said.

        Args:
            defaults: by key.
        """
        self.tree = _placed(defaults or {}, Place("default"))
        self.files: list[str] = []

    def add_file(self, name: str) -> None:
        """Merges a file into the recipe, after the files that its `_base` names.

        Args:
            name: a path, or one below the shipped recipes, such as `network/lenet5.yaml`.

        Raises:
            ConfigError: for a file that is not there, with the nearest names, or that is no recipe.
        """
        self.tree = merged(self.tree, _read(find_file(name), name, ()))
        self.files.append(name)

    def add_shipped(self, name: str) -> None:
        """Merges a shipped recipe, whatever files of that name there are elsewhere; it is not counted among `files`.

        Args:
            name: below the shipped recipes.
        """
        self.tree = merged(self.tree, _read(SHIPPED / name, name, ()))

    def add_setting(self, text: str) -> None:
        """Merges `key=value` into the recipe; the value is YAML, or text where it is none.

        Args:
            text: the key may have dots.

        Raises:
            ConfigError: for a key that is none.
        """
        key, _, value = text.partition("=")
        key = key.strip()
        if not key or any(not part for part in key.split(".")):
            raise ConfigError(f"{COMMAND_LINE}: expected key=value. Received: {text[:80]!r}.")
        located = _value(value)
        for part in reversed(key.split(".")):
            located = Located({part: located}, located.place)
        self.tree = merged(self.tree, located)

    def resolved(self) -> Located:
        """Returns the recipe with references looked up and without keys that begin with `_`.

        Raises:
            ConfigError: naming file, line and path of a reference that leads nowhere.
        """
        return _public(interpolation.resolved(self.tree))


def merged(below: Located, above: Located) -> Located:
    """Returns two recipes as one; a part that gets another plugin loses the settings of the one before.

    Args:
        below: what was there.
        above: what comes later.
    """
    if isinstance(below.value, dict) and isinstance(above.value, dict):
        lost = {key for key in above.value if _is_other_plugin(below.value.get(key), above.value[key])}
        below = Located({key: value for key, value in below.value.items() if key not in lost}, below.place)
    return tree.merged(below, above)


def _is_other_plugin(below: Located | None, above: Located) -> bool:
    if below is None:
        return False
    one, other = tree.at(below, ("name",)), tree.at(above, ("name",))
    return one is not None and other is not None and one.value != other.value


def find_file(name: str, beside: FilePath | None = None) -> FilePath:
    """Returns the path of a recipe file.

    Args:
        name: a path from here or from `beside`, or below the shipped recipes; `~` is a user's home.
        beside: folder of the file that names it.

    Raises:
        ConfigError: if there is none, with the nearest of those that are shipped.
    """
    try:
        given = FilePath(os.path.expanduser(name))
        for path in (*([beside / given] if beside is not None else []), given, SHIPPED / given):
            if path.is_file():
                return path
    except (OSError, ValueError):  # too long a name, or a null byte in it
        pass
    raise ConfigError(
        f"{name[:200]}: there is no such recipe file, neither here nor among the shipped ones. {_near(name)}"
    )


def shipped_files() -> list[str]:
    """Returns the names of all shipped recipes, such as `network/lenet5.yaml`, sorted."""
    return sorted(str(path.relative_to(SHIPPED)) for path in SHIPPED.rglob("*.yaml"))


def _near(name: str) -> str:
    """Returns a sentence with the shipped files that are called nearly so."""
    known = shipped_files()
    ends = [each for each in known if each.rpartition("/")[2] == name.rpartition("/")[2]]
    close = ends or difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    return did_you_mean(name, close or {each.partition("/")[0] + "/" for each in known})


def _read(path: FilePath, name: str, above: Sequence[FilePath]) -> Located:
    """Returns a file merged onto its bases."""
    real = path.resolve()
    if real in above or len(above) > _DEEPEST:
        chain = " -> ".join(each.name for each in (*above, real))
        raise ConfigError(f"{name}: `{BASE}` leads back to the same file: {chain}.")
    written = tree.expanded(read_yaml(_text(path, name), name))
    if written.value is None:
        written = Located({}, written.place)
    if not isinstance(written.value, dict):
        raise ConfigError(f"{written.place}: expected a mapping of settings. Received: {type(written.value).__name__}.")
    below = Located({}, written.place)
    for base in _bases(written):
        below = merged(below, _read(find_file(base, path.parent), base, (*above, real)))
    own = {key: value for key, value in written.value.items() if key != BASE}
    return merged(below, Located(own, written.place))


def _text(path: FilePath, name: str) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(f"{name}: expected a recipe. Received a file of {path.stat().st_size:,} bytes.")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{name}: expected text in UTF-8. Byte {error.start} is none.") from None
    except OSError as error:
        raise DataError(f"{name}: cannot be read: {error.strerror}.") from None


def _bases(written: Located) -> list[str]:
    base = written.value.get(BASE, Located(None, written.place))
    names = base.value if isinstance(base.value, list) else [] if base.value is None else [base]
    for each in names:
        if not isinstance(each.value, str) or not each.value:
            raise ConfigError(f"{each.place}: {BASE}: expected the name of a recipe file, or a list of them.")
    return [each.value for each in names]


def _value(text: str) -> Located:
    try:
        return tree.expanded(read_yaml(text, COMMAND_LINE, numbered=False))
    except ConfigError:
        # What begins a list, mapping or quotation was meant as YAML; `*.png` and `a: b: c` were meant as they stand.
        if text.strip()[:1] in "[{\"'":
            raise
        return Located(text, Place(COMMAND_LINE))


def _placed(value: Any, place: Place) -> Located:
    if isinstance(value, dict):
        return Located({key: _placed(each, place) for key, each in value.items()}, place)
    return (
        Located([_placed(each, place) for each in value], place) if isinstance(value, list) else Located(value, place)
    )


def _public(written: Located) -> Located:
    """Returns a tree without the keys that begin with `_`."""
    if isinstance(written.value, dict):
        items = {key: _public(value) for key, value in written.value.items() if not key.startswith("_")}
        return Located(items, written.place)
    if isinstance(written.value, list):
        return Located([_public(value) for value in written.value], written.place)
    return written
