"""YAML as plain values that know where they were written; what is not plain is refused.

The scalars are those of JSON: `no`, `on` and `12:30` are text, `1e-3` is a number. Tags make nothing.
"""

import dataclasses
import re
from collections.abc import Hashable, Iterator
from typing import Any

import yaml

from source.config.errors import ConfigError

# A recipe of ours has some hundred values; aliases of aliases could stand for billions.
MOST_VALUES = 100_000
MOST_CHARACTERS = 4_000_000
MOST_LEVELS = 64
_NUMBER = r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
_WHOLE = r"[-+]?(0|[1-9][0-9]*)"
_SCALARS = (
    ("tag:yaml.org,2002:bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("tag:yaml.org,2002:null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:int", _WHOLE, "-+0123456789"),
    ("tag:yaml.org,2002:float", _NUMBER, "-+.0123456789"),
    ("tag:yaml.org,2002:merge", r"<<", "<"),
)
_PLAIN = {f"tag:yaml.org,2002:{kind}" for kind in ("bool", "null", "int", "float", "str", "map", "seq", "merge")}


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a value was written.

    Attributes:
        source: a file as it was named, or "command line".
        line: from 1; 0 where lines mean nothing.
    """

    source: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}" if self.line else self.source


@dataclasses.dataclass(frozen=True)
class Located:
    """A value with the place of each part.

    Attributes:
        value: a scalar, or a list or mapping of `Located`; the keys of a mapping are text.
        place: where it was written.
    """

    value: Any
    place: Place


class _Loader(yaml.SafeLoader):
    """Composes nodes with the scalars of JSON."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - as the class it extends has it


for _tag, _pattern, _first in _SCALARS:
    _Loader.add_implicit_resolver(_tag, re.compile(rf"(?:{_pattern})$"), list(_first))


def read_yaml(text: str, source: str, numbered: bool = True) -> Located:
    """Returns the value of a YAML text; an empty one is None.

    Args:
        text: one document.
        source: what to call it in messages.
        numbered: whether its lines mean something to a user.

    Raises:
        ConfigError: naming source and line, for what is no YAML, for a tag, a key that comes twice or is no text, an
            alias inside itself, and for more values than a recipe can have.
    """
    if len(text) > MOST_CHARACTERS:
        raise ConfigError(f"{source}: expected a recipe. Received {len(text):,} characters of text.")
    reader = _Reader(source, numbered)
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        raise ConfigError(f"{reader.place(error.problem_mark)}: {_sentence(error)}") from None
    except (yaml.YAMLError, ValueError) as error:  # such as characters that cannot be printed
        raise ConfigError(f"{source}: expected YAML. {str(error).splitlines()[0]}.") from None
    except RecursionError:
        raise ConfigError(f"{source}: values stand in more than {MOST_LEVELS} others.") from None
    return Located(None, Place(source)) if node is None else reader.located(node, 0)


class _Reader:
    """Turns nodes into located values."""

    def __init__(self, source: str, numbered: bool) -> None:
        self._source = source
        self._numbered = numbered
        self._count = 0

    def place(self, mark: yaml.Mark | None) -> Place:
        """Returns the place of a mark."""
        return Place(self._source, mark.line + 1 if mark is not None and self._numbered else 0)

    def located(self, node: yaml.Node, depth: int) -> Located:
        """Returns the value of a node."""
        place = self.place(node.start_mark)
        self._count += 1
        if self._count > MOST_VALUES:
            raise ConfigError(f"{place}: aliases make more than {MOST_VALUES:,} values of this recipe.")
        if depth > MOST_LEVELS:
            raise ConfigError(f"{place}: values stand in more than {MOST_LEVELS} others, or an alias in itself.")
        if node.tag not in _PLAIN:
            raise ConfigError(
                f"{place}: expected a plain value. Received the tag {node.tag!r}; tags make nothing here."
            )
        if isinstance(node, yaml.MappingNode):
            return Located(dict(self._items(node, depth)), place)
        if isinstance(node, yaml.SequenceNode):
            return Located([self.located(each, depth + 1) for each in node.value], place)
        return Located(_scalar(node, place), place)

    def _items(self, node: yaml.MappingNode, depth: int) -> Iterator[tuple[str, Located]]:
        """Yields the keys of a mapping: those merged in by `<<` first, so that its own win."""
        merged: dict[str, Located] = {}
        own: dict[str, Located] = {}
        for key, value in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                merged = {**self._merged(value, depth), **merged}
                continue
            name = _scalar(key, self.place(key.start_mark)) if isinstance(key, yaml.ScalarNode) else None
            if isinstance(name, (int, float)) and not isinstance(name, bool):
                name = str(key.value)
            if not isinstance(name, str) or not name:
                raise ConfigError(f"{self.place(key.start_mark)}: expected text as a key. Received: {_look(key)}.")
            if name in own:
                raise ConfigError(f"{self.place(key.start_mark)}: the key `{name}` comes twice in this mapping.")
            own[name] = self.located(value, depth + 1)
        yield from {**merged, **own}.items()

    def _merged(self, node: yaml.Node, depth: int) -> dict[str, Located]:
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        found: dict[str, Located] = {}
        for each in nodes:
            value = self.located(each, depth + 1)
            if not isinstance(value.value, dict):
                raise ConfigError(f"{value.place}: `<<` expects a mapping, or a list of them.")
            found = {**value.value, **found}
        return found


def _scalar(node: yaml.Node, place: Place) -> Hashable:
    text = node.value
    if node.tag.endswith(":int"):
        if len(text) > 400:  # Python refuses to read longer ones than 4,300 digits, and float has 309 at most
            raise ConfigError(f"{place}: a number of {len(text)} digits is none that a setting could have.")
        return int(text)
    if node.tag.endswith(":float"):
        return float(text)
    if node.tag.endswith(":bool"):
        return text.lower() == "true"
    return None if node.tag.endswith(":null") else text


def _look(node: yaml.Node) -> str:
    return repr(node.value)[:60] if isinstance(node, yaml.ScalarNode) else "a list or mapping"


def _sentence(error: yaml.MarkedYAMLError) -> str:
    parts = [part for part in (error.context, error.problem) if part]
    return f"this is no YAML: {', '.join(parts)}."
