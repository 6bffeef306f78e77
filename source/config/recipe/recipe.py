"""A recipe while it is put together: files and settings merge in order, and references are looked up at the end."""

import difflib
import os
from collections.abc import Sequence
from pathlib import Path as FilePath
from typing import Any

from source.config.errors import ConfigError, DataError
from source.config.nearest import did_you_mean
from source.config.recipe import interpolation, tree
from source.config.recipe.yaml_text import MOST_CHARACTERS, Located, Place, check_printable, read_yaml
from source.config.shown import shown

COMMAND_LINE = "command line"
BASE = "_base"
SHIPPED = FilePath(__file__).parents[2] / "recipe"
_BEGIN = "${"
_IMPORT_RULES = "import/"
_DEEPEST = 32
_MOST_FILES = 200
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
        self.tree = merged(self.tree, _Reading().of(find_file(name), name, ()))
        self.files.append(name)

    def add_shipped(self, name: str) -> None:
        """Merges a shipped recipe, whatever files of that name there are elsewhere; it is not counted among `files`.

        Args:
            name: below the shipped recipes.
        """
        self.tree = merged(self.tree, _Reading().of(SHIPPED / name, name, ()))

    def add_setting(self, text: str) -> None:
        """Merges `key=value` into the recipe; the value is YAML, or text where it is none.

        Args:
            text: the key may have dots.

        Raises:
            ConfigError: for a key that is none.
        """
        key, _, value = text.partition("=")
        key = key.strip()
        check_printable(key, Place(COMMAND_LINE))
        if not key or any(not part for part in key.split(".")):
            raise ConfigError(f"{COMMAND_LINE}: expected key=value. Received: {shown(text, 80)}.")
        if key.split(".")[0] == BASE:
            raise ConfigError(f"{COMMAND_LINE}: {BASE}: stands in files. Name the file itself: {shown(value, 80)}.")
        located = _value(value)
        self.tree = merged(self.tree, tree.expanded(Located({key: located}, located.place)))

    def resolved(self) -> Located:
        """Returns the recipe with references looked up and without keys that begin with `_`.

        Raises:
            ConfigError: naming file, line and path of a reference that leads nowhere.
        """
        return _public(interpolation.resolved(self.tree))


def merged(below: Located, above: Located) -> Located:
    """Returns two recipes as one; a part that gets another plugin loses the settings of the one before.

    A part that is only named, `network: lenet5`, can still get settings: `network.dropout=0.3`.

    Args:
        below: what was there.
        above: what comes later.
    """
    if isinstance(below.value, dict) and isinstance(above.value, dict):
        kept = {}
        for key, value in below.value.items():
            one, other = value, above.value.get(key)
            if other is not None and isinstance(one.value, str) and isinstance(other.value, dict):
                one = Located({"name": one}, one.place)
            if not _is_other_plugin(one, other):
                kept[key] = one
        below = Located(kept, below.place)
        above = Located({key: _as_mapping(value, kept.get(key)) for key, value in above.value.items()}, above.place)
    return tree.merged(below, above)


def _as_mapping(above: Located, below: Located | None) -> Located:
    """Returns the name of a plugin as a mapping where there are settings of this plugin that would be lost."""
    named = None if below is None else tree.at(below, ("name",))
    if named is None or not isinstance(above.value, str) or above.value != named.value:
        return above
    return Located({"name": above}, above.place)


def _is_other_plugin(below: Located, above: Located | None) -> bool:
    if above is None:
        return False
    one, other = tree.at(below, ("name",)), tree.at(above, ("name",))
    return one is not None and other is not None and one.value != other.value


def resolved_file(path: FilePath) -> Located:
    """Returns the recipe that one file describes, resolved.

    Args:
        path: of the file.

    Raises:
        ConfigError: if it is no recipe.
        DataError: if it cannot be read.
    """
    return _public(interpolation.resolved(_Reading().of(path, str(path), ())))


def find_file(name: str, beside: FilePath | None = None) -> FilePath:
    """Returns the path of a recipe file.

    Args:
        name: a path from here or from `beside`, or below the shipped recipes; `~` is a user's home.
        beside: folder of the file that names it.

    Raises:
        ConfigError: if there is none, with the nearest of those that are shipped.
    """
    if not name.isprintable():
        raise ConfigError(f"{COMMAND_LINE}: expected the name of a recipe file. Received: {shown(name)}.")
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
    """Returns the names of all shipped recipes, such as `network/lenet5.yaml`, sorted; rules of imports are none."""
    names = (path.relative_to(SHIPPED).as_posix() for path in SHIPPED.rglob("*.yaml"))
    return sorted(name for name in names if not name.startswith(_IMPORT_RULES))


def _near(name: str) -> str:
    """Returns a sentence with the shipped files that are called nearly so."""
    known = shipped_files()
    ends = [each for each in known if each.rpartition("/")[2] == name.rpartition("/")[2]]
    close = ends or difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    return did_you_mean(name, close or {each.partition("/")[0] + "/" for each in known})


class _Reading:
    """Reads one file with all that it is based on."""

    def __init__(self) -> None:
        self._files = 0

    def of(self, path: FilePath, name: str, above: Sequence[FilePath]) -> Located:
        """Returns a file merged onto its bases.

        Args:
            path: of the file.
            name: what to call it.
            above: the files that this one is a base of, the first one first.
        """
        real = path.resolve()
        self._files += 1
        if real in above or len(above) > _DEEPEST:
            chain = " -> ".join(each.name for each in (*above, real))
            raise ConfigError(f"{name}: `{BASE}` leads back to the same file: {chain}.")
        if self._files > _MOST_FILES:
            raise ConfigError(f"{name}: expected at most {_MOST_FILES} files that name each other by `{BASE}`.")
        written = _mapping(path, name)
        below = Located({}, written.place)
        for base in _bases(written):
            below = merged(below, self.of(find_file(base, path.parent), base, (*above, real)))
        own = {key: value for key, value in written.value.items() if key != BASE}
        return merged(below, Located(own, written.place))


def _mapping(path: FilePath, name: str) -> Located:
    written = tree.expanded(read_yaml(_text(path, name), name))
    if written.value is None:
        return Located({}, written.place)
    if not isinstance(written.value, dict):
        raise ConfigError(f"{written.place}: expected a mapping of settings. Received: {shown(tree.plain(written))}.")
    return written


def _text(path: FilePath, name: str) -> str:
    try:
        with path.open("rb") as file:
            read = file.read(_MOST_BYTES + 1)
        if len(read) > _MOST_BYTES:
            raise DataError(f"{name}: expected a recipe. Received a file of more than {_MOST_BYTES:,} bytes.")
        return read.decode("utf-8-sig")
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
        if _BEGIN in each.value:
            raise ConfigError(f"{each.place}: {BASE}: files are read before references are looked up. Name the file.")
    return [each.value for each in names]


def _value(text: str) -> Located:
    try:
        return tree.expanded(read_yaml(text, COMMAND_LINE, numbered=False))
    except ConfigError:
        # What begins a list, mapping or quotation was meant as YAML; `*.png` and `a: b: c` were meant as they stand.
        if text.strip()[:1] in "[{\"'" or len(text) > MOST_CHARACTERS:
            raise
        check_printable(text, Place(COMMAND_LINE))
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
