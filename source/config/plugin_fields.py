"""The settings of a plugin, read from its source: names, types, defaults and meanings, without running a line of it.

A plugin imports TensorFlow; a misspelt setting should not take that long to be told.
"""

import ast
import dataclasses
import importlib
import inspect
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any

import pydantic

from source.config.errors import ConfigError
from source.config.meanings import attribute_meanings
from source.config.module_spec import module_spec
from source.config.plugin import available, locate
from source.config.plugin_source import class_in, class_of, hint_of, module_source, type_text
from source.config.settings import expectation

_PACKAGE = __name__.partition(".")[0]
_LIGHT = f"{_PACKAGE}.config."


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
        ConfigError: for a module that is no plugin: it would only be run to find this out.
    """
    dotted = locate(room, name)
    if dotted.startswith(f"{_PACKAGE}.") and name not in available(room):
        _check_builds(room, name, dotted)
    elif not dotted.startswith(f"{_PACKAGE}."):
        _check_builds(room, name, dotted)
        return None
    tree = module_source(dotted)
    summary = inspect.cleandoc(ast.get_docstring(tree) or "")
    found = class_in(dotted, "Config")
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
    try:
        _adapter(field.hint).validate_python(value)
    except pydantic.ValidationError as error:
        raise ConfigError(f"{path}: {expectation(error)}") from None


@cache
def _adapter(hint: Any) -> pydantic.TypeAdapter[Any]:
    return pydantic.TypeAdapter(hint, config=pydantic.ConfigDict(coerce_numbers_to_str=True, allow_inf_nan=False))


def _check_builds(room: str, name: str, dotted: str) -> None:
    """Refuses a module whose source shows no `build`; one that has no source may have anything."""
    if module_spec(dotted) is None:  # an entry point that leads nowhere says so when it is loaded
        return
    body = module_source(dotted).body
    names = {each.name for each in body if isinstance(each, (ast.FunctionDef, ast.ClassDef))}
    names |= {at.id for each in body if isinstance(each, ast.Assign) for at in each.targets if isinstance(at, ast.Name)}
    names |= {alias.asname or alias.name for each in body if isinstance(each, ast.ImportFrom) for alias in each.names}
    if body and not names & {"build", "__getattr__", "*"}:
        raise ConfigError(f"{room} `{name[:100]}`: the module {dotted[:100]} has no `build`, so it is no plugin.")


def _fields(dotted: str, name: str) -> dict[str, Field]:
    """Returns the fields of a class, those of its bases first."""
    if dotted.startswith(_LIGHT):
        return _real_fields(getattr(importlib.import_module(dotted), name))
    [node] = [each for each in module_source(dotted).body if isinstance(each, ast.ClassDef) and each.name == name]
    found: dict[str, Field] = {}
    for base in reversed(node.bases):
        if (place := class_of(dotted, base)) is not None:
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
        type=type_text(node.annotation),
        default=_default_text(node.value),
        meaning=meanings.get(name, ""),
        owner=owner,
        hint=hint_of(dotted, node.annotation),
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


@cache
def _real_fields(cls: type) -> dict[str, Field]:
    """Returns the fields of a class that is light enough to be loaded."""
    hints = typing.get_type_hints(cls, include_extras=True)
    meanings = [attribute_meanings(each.__doc__) for each in cls.__mro__]
    found = {}
    for field in dataclasses.fields(cls):
        owner = next(each for each in cls.__mro__ if field.name in vars(each).get("__annotations__", {}))
        default = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        found[field.name] = Field(
            name=field.name,
            type=type_text(_annotation(owner, field.name)),
            default=None if default is dataclasses.MISSING else repr(default),
            meaning=next((each[field.name] for each in meanings if field.name in each), ""),
            owner=f"{owner.__module__}.{owner.__name__}",
            hint=hints[field.name],
        )
    return found


def _annotation(owner: type, name: str) -> ast.expr:
    """Returns how the source of a class annotates a field."""
    for node in module_source(owner.__module__).body:
        if isinstance(node, ast.ClassDef) and node.name == owner.__name__:
            for each in node.body:
                if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name) and each.target.id == name:
                    return each.annotation
    return ast.Name("Any")
