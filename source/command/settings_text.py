"""The settings of a configuration class as text: name, type, default and the meaning its docstring gives."""

import builtins
import dataclasses
import types
import typing
from typing import Any

from source.config.meanings import attribute_meanings


@dataclasses.dataclass(frozen=True, kw_only=True)
class Setting:
    """One field of a configuration.

    Attributes:
        name: the field's name.
        type: the annotation as a user would write it, such as `int | None`.
        default: the default as Python text; None if the field must be given.
        meaning: what the docstring says of it; empty if it says nothing.
        owner: the class that declares it.
    """

    name: str
    type: str
    default: str | None
    meaning: str
    owner: builtins.type


def describe(config_class: type) -> list[Setting]:
    """Returns the settings of a configuration, those that the class itself declares first.

    Args:
        config_class: a dataclass documented under `Attributes:`.
    """
    # Python spells the hints of both a plain and a deferred annotation the same way.
    hints = typing.get_type_hints(config_class)
    settings = [
        Setting(
            name=field.name,
            type=type_text(hints[field.name]),
            default=_default_text(field),
            meaning=_meaning(config_class, field.name),
            owner=_owner(config_class, field.name),
        )
        for field in dataclasses.fields(config_class)
    ]
    return sorted(settings, key=lambda setting: config_class.__mro__.index(setting.owner))


def type_text(hint: Any) -> str:
    """Returns an annotation as a user would write it, without module names and validators.

    Args:
        hint: a type, or what `typing` makes of one.
    """
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is type(None):
        return "None"
    if hint is Ellipsis:
        return "..."
    if origin is typing.Annotated:
        return type_text(arguments[0])
    if origin is typing.Literal:
        return " | ".join(repr(argument) for argument in arguments)
    if origin in (typing.Union, types.UnionType):
        return " | ".join(type_text(argument) for argument in arguments)
    name = getattr(origin or hint, "__name__", str(hint))
    return f"{name}[{', '.join(map(type_text, arguments))}]" if arguments else name


def _default_text(field: dataclasses.Field) -> str | None:
    if field.default is not dataclasses.MISSING:
        return repr(field.default)
    if field.default_factory is not dataclasses.MISSING:
        return repr(field.default_factory())
    return None


def _meaning(config_class: type, name: str) -> str:
    for ancestor in config_class.__mro__:
        if name in (meanings := attribute_meanings(ancestor.__doc__)):
            return meanings[name]
    return ""


def _owner(config_class: type, name: str) -> type:
    """Returns the class that gave the field its present type and default."""
    owners = [ancestor for ancestor in config_class.__mro__ if name in vars(ancestor).get("__annotations__", {})]
    return owners[0]
