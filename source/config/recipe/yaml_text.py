"""YAML as plain values that know where they were written; what is not plain is refused.

The scalars are those of JSON: `no`, `on` and `12:30` are text, `1e-3` is a number. Tags make nothing.
"""

import dataclasses
import math
import re
from collections.abc import Hashable, Iterator
from typing import Any

import yaml

from source.config.errors import ConfigError
from source.config.shown import shown

# A recipe of ours has some hundred values; aliases of aliases could stand for billions.
MOST_VALUES = 100_000
MOST_CHARACTERS = 4_000_000
MOST_LEVELS = 64
_EXPONENT = r"[eE][-+]?[0-9]+"
_NUMBER = rf"[-+]?((\.[0-9]+|[0-9]+\.[0-9]*)({_EXPONENT})?|[0-9]+{_EXPONENT})"
_WHOLE = r"[-+]?(0|[1-9][0-9]*)"
_SCALARS = (
    ("tag:yaml.org,2002:bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("tag:yaml.org,2002:null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:int", _WHOLE, "-+0123456789"),
    ("tag:yaml.org,2002:float", _NUMBER, "-+.0123456789"),
    ("tag:yaml.org,2002:merge", r"<<", "<"),
)
_PATTERNS = {tag: re.compile(pattern) for tag, pattern, _ in _SCALARS}
_TEXT = "tag:yaml.org,2002:str"
_KINDS = {
    yaml.MappingNode: {"tag:yaml.org,2002:map"},
    yaml.SequenceNode: {"tag:yaml.org,2002:seq"},
    yaml.ScalarNode: {*_PATTERNS, _TEXT},
}
_LONGEST_NUMBER = 400  # characters: a float has 309 digits before its point at most
_MERGE = "tag:yaml.org,2002:merge"
# What a terminal, a file name or YAML itself does not take as it is.
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


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
    _Loader.add_implicit_resolver(_tag, re.compile(rf"(?:{_pattern})\Z"), list(_first))


class _Dumper(yaml.SafeDumper):
    """Quotes text that this or another reader of YAML would take for something else, and makes no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        """Whether something that comes twice is written twice: always."""
        return True

    def represent_text(self, data: str) -> yaml.ScalarNode:
        """Returns text in double quotes where breaks of lines stand in it."""
        return self.represent_scalar(_TEXT, data, style=None if data.isprintable() else '"')


_Dumper.add_representer(str, _Dumper.represent_text)

for _tag, _pattern, _first in _SCALARS:
    _Dumper.add_implicit_resolver(_tag, re.compile(rf"(?:{_pattern})\Z"), list(_first))


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
    check_printable(text, Place(source))
    reader = _Reader(source, numbered)
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        raise ConfigError(f"{reader.place(error.problem_mark)}: {_sentence(error)}") from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # such as a letter of a number that no letter has
        raise ConfigError(f"{source}: expected YAML. {str(error).splitlines()[0]}.") from None
    except RecursionError:
        raise ConfigError(f"{source}: values stand in more than {MOST_LEVELS} others.") from None
    return Located(None, Place(source)) if node is None else reader.located(node, 0)


def write_yaml(value: Any) -> str:
    """Returns plain values as YAML that `read_yaml` reads as the same values.

    Args:
        value: scalars, lists and mappings.
    """
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf"))


def in_one_line(value: Any) -> str:
    """Returns plain values as YAML without a break of the line.

    Args:
        value: scalars, lists and mappings.
    """
    text = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf"), default_flow_style=True
    )
    return text.removesuffix("\n").removesuffix("\n...")


def check_printable(text: str, place: Place) -> None:
    """Refuses text with characters that no setting, name or file of recipes has, such as null bytes.

    Args:
        text: any.
        place: where it was written, for the message.

    Raises:
        ConfigError: naming the first of them.
    """
    if found := _UNPRINTABLE.search(text):
        raise ConfigError(f"{place}: the character {found[0]!r} cannot be printed, so it has no place in a recipe.")


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
        if node.tag not in _KINDS[type(node)]:
            raise ConfigError(
                f"{place}: expected a plain value. Received the tag {shown(node.tag)}; tags make nothing here."
            )
        if isinstance(node, yaml.MappingNode):
            return Located(dict(self._items(node, depth)), place)
        if isinstance(node, yaml.SequenceNode):
            return Located([self.located(each, depth + 1) for each in node.value], place)
        return Located(_scalar(node, place) if isinstance(node, yaml.ScalarNode) else None, place)

    def _items(self, node: yaml.MappingNode, depth: int) -> Iterator[tuple[str, Located]]:
        """Yields the keys of a mapping: those merged in by `<<` first, so that its own win."""
        merged: dict[str, Located] = {}
        own: dict[str, Located] = {}
        for key, value in node.value:
            if key.tag == _MERGE:
                merged = {**self._merged(value, depth), **merged}
                continue
            name = _scalar(key, self.place(key.start_mark)) if isinstance(key, yaml.ScalarNode) else None
            if isinstance(name, (int, float)) and not isinstance(name, bool):
                name = str(key.value)
            if not isinstance(name, str) or not name:
                raise ConfigError(f"{self.place(key.start_mark)}: expected text as a key. Received: {_look(key)}.")
            if name in own:
                raise ConfigError(f"{self.place(key.start_mark)}: the key `{name[:80]}` comes twice in this mapping.")
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


def _scalar(node: yaml.ScalarNode, place: Place) -> Hashable:
    text = node.value
    pattern = _PATTERNS.get(node.tag)
    if pattern is None or node.tag == _MERGE:
        check_printable(text, place)
        return text
    if not pattern.fullmatch(text):  # only a tag says that it is one
        raise ConfigError(f"{place}: {shown(text)} is not what its tag {node.tag!r} says.")
    if node.tag.endswith((":bool", ":null")):
        return text.lower() == "true" if node.tag.endswith(":bool") else None
    if len(text) > _LONGEST_NUMBER:
        raise ConfigError(f"{place}: a number of {len(text):,} digits is none that a setting could have.")
    number = int(text) if node.tag.endswith(":int") else float(text)
    if math.isinf(number if isinstance(number, float) else 0):
        raise ConfigError(f"{place}: {shown(text)} is larger than any number of a computer.")
    return number


def _look(node: yaml.Node) -> str:
    return shown(node.value, 60) if isinstance(node, yaml.ScalarNode) else "a list or mapping"


def _sentence(error: yaml.MarkedYAMLError) -> str:
    parts = [part for part in (error.context, error.problem) if part]
    return f"this is no YAML: {', '.join(parts)}."
