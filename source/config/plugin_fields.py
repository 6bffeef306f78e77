"""The settings of a plugin, read from its source: names, types, defaults and meanings, without running a line of it.

A plugin imports TensorFlow; a misspelt setting should not take that long to be told.
"""

import ast
import dataclasses
import importlib
import importlib.util
import inspect
import re
import typing
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pydantic

from source.config import config
from source.config.errors import ConfigError
from source.config.plugin import locate
from source.config.settings import expectation

_PACKAGE = __name__.partition(".")[0]
_LIGHT = f"{_PACKAGE}.config."
_KNOWN_TYPES: dict[str, Any] = {
    "int": int,
    "float": float,
    "str": str,
    "bool": bool,
    "None": None,
    "dict": dict,
    "tuple": tuple,
    "list": list,
    **{name: getattr(config, name) for name in ("Names", "Numbers", "PathText", "Paths", "Mappings", "Mode")},
    "Any": Any,
}
_FIELD = re.compile(r"^    (\w+): (.*)$")
_CONTINUATION = re.compile(r"^ {5,}(\S.*)$")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Field:
    """One setting.

    Attributes:
        name: of the field.
        type: what it may be, as the source says it.
        default: as Python text; None if it must be given.
        meaning: what the docstring of its class says of it.
        owner: name of the class that declares it, with its module.
        hint: the type itself, as far as it can be told; `Any` otherwise.
    """

    name: str
    type: str
    default: str | None
    meaning: str
    owner: str
    hint: Any = Any


@dataclasses.dataclass(frozen=True)
class PluginFields:
    """What is known of a plugin without loading it.

    Attributes:
        summary: its docstring.
        fields: settings by name, those of the classes it extends among them.
        config: the class that holds them, with its module; None for a plugin without settings.
    """

    summary: str
    fields: Mapping[str, Field]
    config: str | None


@cache
def plugin_fields(room: str, name: str) -> PluginFields | None:
    """Returns the settings of a plugin; None for one of somebody else's, which has to be loaded to be known.

    Args:
        room: of the plugin.
        name: of the plugin, as for `resolve`.

    Raises:
        UnknownNameError: if nothing answers to the name; the nearest names are offered.
    """
    dotted = locate(room, name)
    if not dotted.startswith(f"{_PACKAGE}."):
        return None
    tree = _module(dotted)
    summary = inspect.cleandoc(ast.get_docstring(tree) or "")
    found = _class_in(dotted, "Config")
    if found is None:
        return PluginFields(summary, {}, None)
    return PluginFields(summary, _fields(*found), ".".join(found))


def check_value(field: Field, value: Any, path: str) -> None:
    """Refuses a value that a field cannot have by its type.

    Args:
        field: of a plugin.
        value: plain, as from YAML.
        path: to begin the message with.

    Raises:
        ConfigError: what was expected and what came.
    """
    if field.hint is Any:
        return
    adapter = pydantic.TypeAdapter(
        field.hint, config=pydantic.ConfigDict(coerce_numbers_to_str=True, allow_inf_nan=False)
    )
    try:
        adapter.validate_python(value)
    except pydantic.ValidationError as error:
        raise ConfigError(f"{path}: {expectation(error)}") from None


@cache
def _module(dotted: str) -> ast.Module:
    spec = importlib.util.find_spec(dotted)
    if spec is None or spec.origin is None:
        return ast.Module([], [])
    return ast.parse(Path(spec.origin).read_text(encoding="utf-8"))


def _class_in(dotted: str, name: str) -> tuple[str, str] | None:
    """Returns the module and the name of the class that a name of a module means."""
    for node in _module(dotted).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return dotted, name
        if isinstance(node, ast.Assign) and any(
            isinstance(each, ast.Name) and each.id == name for each in node.targets
        ):
            return _class_of(dotted, node.value)
    module, _, original = (_imported(dotted, name) or "").rpartition(".")
    return _class_in(module, original) if module else None


def _class_of(dotted: str, node: ast.expr) -> tuple[str, str] | None:
    """Returns the module and the name of a class that is written `Name` or `module.Name`."""
    if isinstance(node, ast.Name):
        return _class_in(dotted, node.id)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        module = _imported(dotted, node.value.id)
        return None if module is None else _class_in(module, node.attr)
    return None


def _imported(dotted: str, name: str) -> str | None:
    """Returns what a name of a module means that `from ... import ...` brought in, with its module."""
    for each in _module(dotted).body:
        if isinstance(each, ast.ImportFrom) and each.module:
            for alias in each.names:
                if (alias.asname or alias.name) == name:
                    return f"{each.module}.{alias.name}"
    return None


def _fields(dotted: str, name: str) -> dict[str, Field]:
    """Returns the fields of a class, those of its bases first."""
    if dotted.startswith(_LIGHT):
        return _real_fields(getattr(importlib.import_module(dotted), name))
    [node] = [each for each in _module(dotted).body if isinstance(each, ast.ClassDef) and each.name == name]
    found: dict[str, Field] = {}
    for base in reversed(node.bases):
        if (place := _class_of(dotted, base)) is not None:
            found |= _fields(*place)
    meanings = attribute_meanings(ast.get_docstring(node))
    for each in node.body:
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name) and not each.target.id.startswith("_"):
            found[each.target.id] = _field(dotted, f"{dotted}.{name}", each, each.target.id, meanings)
    for field in list(found.values()):
        if field.name in meanings and not field.meaning:
            found[field.name] = dataclasses.replace(field, meaning=meanings[field.name])
    return found


def _field(dotted: str, owner: str, node: ast.AnnAssign, name: str, meanings: Mapping[str, str]) -> Field:
    return Field(
        name=name,
        type=_type_text(node.annotation),
        default=_default_text(node.value),
        meaning=meanings.get(name, ""),
        owner=owner,
        hint=_hint(dotted, node.annotation),
    )


def _default_text(node: ast.expr | None) -> str | None:
    """Returns a default as it is written; what a factory makes in its place."""
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("field"):
        given = {each.arg: each.value for each in node.keywords}
        if "default" in given:
            return ast.unparse(given["default"])
        factory = ast.unparse(given["default_factory"]) if "default_factory" in given else None
        return {"dict": "{}", "list": "[]", "tuple": "()"}.get(factory or "", factory)
    return None if node is None else ast.unparse(node)


def _type_text(node: ast.expr) -> str:
    text = ast.unparse(node)
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Literal":
        return text.removeprefix("Literal[").removesuffix("]").replace(", ", " | ")
    return text


def _hint(dotted: str, node: ast.expr) -> Any:
    """Returns the type that an annotation means, `Any` where it cannot be told from the source."""
    if isinstance(node, ast.Constant) and node.value is None:
        return None
    if isinstance(node, ast.Name):
        return _KNOWN_TYPES[node.id] if node.id in _KNOWN_TYPES else _alias(dotted, node.id)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        module = _imported(dotted, node.value.id)
        return Any if module is None else _alias(module, node.attr)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        parts = [_hint(dotted, each) for each in (node.left, node.right)]
        return Any if Any in parts else parts[0] | parts[1] if parts[0] is not None else parts[1] | None
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Literal":
        try:
            values = ast.literal_eval(node.slice)
        except ValueError:
            return Any
        return Literal[values if isinstance(values, tuple) else (values,)]
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "dict":
        return dict
    return Any


def _alias(dotted: str, name: str) -> Any:
    """Returns the type that a name of a module stands for, such as `Score = Literal["l1", "l2"]`."""
    for each in _module(dotted).body:
        if isinstance(each, ast.Assign) and any(isinstance(at, ast.Name) and at.id == name for at in each.targets):
            return _hint(dotted, each.value)
    module, _, original = (_imported(dotted, name) or "").rpartition(".")
    return _alias(module, original) if module.startswith(f"{_PACKAGE}.") else Any


def _real_fields(cls: type) -> dict[str, Field]:
    """Returns the fields of a class that is light enough to be loaded."""
    hints = typing.get_type_hints(cls, include_extras=True)
    found = {}
    for field in dataclasses.fields(cls):
        owner = next(each for each in cls.__mro__ if field.name in vars(each).get("__annotations__", {}))
        default = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        meanings = [attribute_meanings(each.__doc__) for each in cls.__mro__]
        found[field.name] = Field(
            name=field.name,
            type=_type_text(_annotation(owner, field.name)),
            default=None if default is dataclasses.MISSING else repr(default),
            meaning=next((each[field.name] for each in meanings if field.name in each), ""),
            owner=f"{owner.__module__}.{owner.__name__}",
            hint=hints[field.name],
        )
    return found


def _annotation(owner: type, name: str) -> ast.expr:
    """Returns how the source of a class annotates a field."""
    for node in _module(owner.__module__).body:
        if isinstance(node, ast.ClassDef) and node.name == owner.__name__:
            for each in node.body:
                if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name) and each.target.id == name:
                    return each.annotation
    return ast.Name("Any")


def attribute_meanings(docstring: str | None) -> dict[str, str]:
    """Returns what the section `Attributes:` of a docstring says of each name, every text in one line.

    Args:
        docstring: as it stands in the source; indentation is removed here.
    """
    meanings: dict[str, str] = {}
    name = ""
    for line in _section(inspect.cleandoc(docstring or "").splitlines(), "Attributes:"):
        if found := _FIELD.match(line):
            name, meanings[found[1]] = found[1], found[2]
        elif name and (found := _CONTINUATION.match(line)):
            meanings[name] += " " + found[1]
    return meanings


def _section(lines: list[str], title: str) -> list[str]:
    """Returns the lines below `title` up to the next line that is not indented."""
    if title not in lines:
        return []
    below = lines[lines.index(title) + 1 :]
    ends = [place for place, line in enumerate(below) if line and not line.startswith(" ")]
    return below[: ends[0]] if ends else below
