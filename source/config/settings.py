"""The decorator that turns a class of annotated fields into a frozen, checked configuration.

Pydantic does the typing: it turns the text of a command line or a YAML file into the annotated type, reports
every
fault with its path, and leaves what we write an ordinary dataclass with checks in `__post_init__`.
"""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, TypeVar, dataclass_transform

import pydantic

from source.config.errors import ConfigError
from source.config.nearest import did_you_mean

T = TypeVar("T")


@dataclass_transform(kw_only_default=True, frozen_default=True)
def settings(cls: type[T]) -> type[T]:
    """Returns `cls` as a frozen, keyword-only dataclass whose fields are checked when it is built.

    The constructor also takes one configuration by position, whose fields become the defaults:
    `ImageClassificationInputterConfig(inputter_config, num_classes=10)`. The given one is never changed.

    Args:
        cls: a class with annotated fields, documented under `Attributes:`.

    Raises:
        ConfigError: by the constructor, for an unknown field, a value of another type, or whatever the class
            refuses with a `ValueError` in `__post_init__`.
    """
    made: Any = pydantic.dataclasses.dataclass(
        frozen=True, kw_only=True, config=pydantic.ConfigDict(extra="forbid", arbitrary_types_allowed=True)
    )(cls)
    checked_init = made.__init__

    def __init__(self: Any, base: Any = None, /, **fields: Any) -> None:
        given = {**_inherited(type(self), base), **fields}
        try:
            checked_init(self, **given)
        except pydantic.ValidationError as error:
            raise ConfigError(_explain(type(self), error, "")) from None

    made.__init__ = __init__
    return made


def from_mapping(cls: type[T], mapping: Mapping[str, Any], path: str = "") -> T:
    """Returns a `cls` built from a mapping, as it comes from YAML or from `key=value` text.

    Args:
        cls: a class made by `settings`.
        mapping: field names to values; text is turned into the annotated type.
        path: where the mapping stands in a larger configuration (`runner`), to begin the messages with.

    Raises:
        ConfigError: naming `path.field`, what was expected, what came, and the nearest field.
    """
    if not isinstance(mapping, Mapping):
        raise ConfigError(f"{path or cls.__name__}: expected a mapping of settings. Received: {mapping!r}.")
    try:
        return pydantic.TypeAdapter(cls).validate_python(dict(mapping))
    except pydantic.ValidationError as error:
        raise ConfigError(_explain(cls, error, path)) from None


def to_mapping(config: Any) -> dict[str, Any]:
    """Returns the fields of a configuration as plain values that JSON and YAML can hold.

    `from_mapping(type(config), to_mapping(config)) == config`.

    Args:
        config: an instance of a class made by `settings`.
    """
    return pydantic.TypeAdapter(type(config)).dump_python(config, mode="json")


def adopt(cls: type[T], config: Any) -> T:
    """Returns `config` if it is a `cls` already, otherwise a `cls` with the fields of `config`.

    A plugin's `build` calls this, so that it accepts the configuration of its room and of its task alike.

    Args:
        cls: the configuration class wanted.
        config: an instance of `cls` or of one of the classes it extends.

    Raises:
        ConfigError: if `config` sets a field that `cls` does not have.
    """
    make: Any = cls
    return config if isinstance(config, cls) else make(config)


def _inherited(cls: type, base: Any) -> dict[str, Any]:
    """Returns the fields of `base` for building a `cls`, refusing those that would be lost."""
    if base is None:
        return {}
    if not dataclasses.is_dataclass(base) or isinstance(base, type):
        raise ConfigError(
            f"{cls.__name__}: the first argument must be a configuration; give all others by name. "
            f"Received: {base!r}."
        )
    known = {field.name for field in dataclasses.fields(cls)}
    given = {field.name: getattr(base, field.name) for field in dataclasses.fields(base)}
    lost = [
        field.name
        for field in dataclasses.fields(base)
        if field.name not in known and given[field.name] != _default(field)
    ]
    if lost:
        raise ConfigError(
            f"{cls.__name__}: no field `{lost[0]}`, which the given {type(base).__name__} sets to "
            f"{given[lost[0]]!r}. {did_you_mean(lost[0], known)}"
        )
    return {name: value for name, value in given.items() if name in known}


def _default(field: dataclasses.Field) -> Any:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def _explain(cls: type, error: pydantic.ValidationError, path: str) -> str:
    """Returns the first fault of `error` in one sentence that begins with its path."""
    fault = error.errors(include_url=False)[0]
    location = ".".join(str(part) for part in (path, *fault["loc"]) if part not in ("",))
    location = location or cls.__name__
    count = len(error.errors()) - 1
    more = f" ({count} more fault{'s' if count > 1 else ''} in {cls.__name__}.)" if count else ""
    if fault["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        names = [field.name for field in dataclasses.fields(cls)]
        return f"{location}: unknown setting. {did_you_mean(str(fault['loc'][-1]), names)}{more}"
    if fault["type"] == "literal_error" and isinstance(fault["input"], str):
        choices = re.findall(r"'([^']*)'", fault["ctx"]["expected"])
        guess = did_you_mean(fault["input"], choices)
        return f"{location}: expected {fault['ctx']['expected']}. Received: {fault['input']!r}. {guess}{more}"
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "value_error":
        return f"{location}: {message}{more}"
    return f"{location}: {message}. Received: {fault['input']!r}.{more}"
