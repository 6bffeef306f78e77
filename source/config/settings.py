"""The decorator that turns a class of annotated fields into a frozen, checked configuration.

Pydantic does the typing: it turns the text of a command line or a YAML file into the annotated type, reports
every fault with its path, and leaves what we write an ordinary dataclass with checks in `__post_init__`.
"""

import dataclasses
import re
from collections.abc import Collection, Mapping
from typing import Any, TypeVar, dataclass_transform

import pydantic

from source.config.errors import ConfigError
from source.config.nearest import did_you_mean, nearest
from source.config.shown import shown

T = TypeVar("T")

_CONFIG = pydantic.ConfigDict(
    extra="forbid",
    arbitrary_types_allowed=True,
    allow_inf_nan=False,  # "nan" passes every check of the form `not x < 0`
    coerce_numbers_to_str=True,  # YAML reads `export_version: 2` as a number
)

# What a value of each type is called; pydantic names its faults `<type>_<fault>`.
_EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "finite": "a finite number",
    "bool": "true or false",
    "string": "text",
    "tuple": "a list",
    "dict": "a mapping",
}


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
    made: Any = pydantic.dataclasses.dataclass(frozen=True, kw_only=True, config=_CONFIG)(cls)
    checked_init = made.__init__

    def __init__(self: Any, base: Any = None, /, **fields: Any) -> None:
        given = {**_inherited(type(self), base), **fields}
        try:
            checked_init(self, **given)
        except pydantic.ValidationError as error:
            raise ConfigError(_explain(type(self), error, "", type(self).__name__)) from None

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


def check_types(cls: type, mapping: Mapping[str, Any], path: str = "") -> None:
    """Refuses values that no `cls`, nor any class that extends it, could hold.

    Checks across fields are left out: a class that extends `cls` may have defaults with which they hold.

    Args:
        cls: a class made by `settings`.
        mapping: fields of `cls` to values.
        path: where the mapping stands in a larger configuration, to begin the messages with.

    Raises:
        ConfigError: naming `path.field`, what was expected and what came.
    """
    try:
        pydantic.TypeAdapter(cls).validate_python(dict(mapping))
    except pydantic.ValidationError as error:
        if error.errors()[0]["loc"]:
            raise ConfigError(_explain(cls, error, path)) from None


def expectation(error: pydantic.ValidationError) -> str:
    """Returns what a value should have been and what came, in one sentence.

    Args:
        error: of a single value.
    """
    return _reason(None, error.errors(include_url=False)[0])


def to_mapping(config: Any) -> dict[str, Any]:
    """Returns the fields of a configuration as plain values that JSON and YAML can hold.

    `from_mapping(type(config), to_mapping(config)) == config`, unless a field holds an object such as a model: of that
    only its `repr` is left.

    Args:
        config: an instance of a class made by `settings`.
    """
    return pydantic.TypeAdapter(type(config)).dump_python(config, mode="json", fallback=repr)


def adopt(cls: type[T], config: Any) -> T:
    """Returns `config` if it is a `cls` already, otherwise a `cls` with the fields of `config`.

    A plugin's `build` calls this, so that it accepts the configuration of its room and of its task alike.
    What a task adds to its room is left out where `cls` has no use for it; a field of another plugin is
    refused.

    Args:
        cls: the configuration class wanted.
        config: an instance of `cls` or of one of the classes it extends.

    Raises:
        ConfigError: if `config` sets a field that `cls` does not have.
    """
    if isinstance(config, cls):
        return config
    make: Any = cls
    return make(**_inherited(cls, config, _fields_of_tasks(config)))


def _fields_of_tasks(config: Any) -> set[str]:
    """The fields that `config` has from classes of this package: from rooms and tasks, not from plugins."""
    package = __name__.rpartition(".")[0]
    classes = [base for base in type(config).__mro__ if base.__module__.startswith(f"{package}.")]
    return {field.name for base in classes for field in dataclasses.fields(base)}


def _inherited(cls: type, base: Any, may_be_lost: Collection[str] = ()) -> dict[str, Any]:
    """Returns the fields of `base` for building a `cls`, refusing others that are set and would be lost."""
    if base is None:
        return {}
    if not dataclasses.is_dataclass(base) or isinstance(base, type):
        raise ConfigError(
            f"{cls.__name__}: the first argument must be a configuration; give all others by name. Received: {base!r}."
        )
    known = {field.name for field in dataclasses.fields(cls)}
    given = {field.name: getattr(base, field.name) for field in dataclasses.fields(base)}
    lost = [
        field.name
        for field in dataclasses.fields(base)
        if field.name not in known and field.name not in may_be_lost and given[field.name] != _default(field)
    ]
    if lost:
        raise ConfigError(
            f"{cls.__name__}: no field `{lost[0]}`, which the given {type(base).__name__} sets to "
            f"{given[lost[0]]!r}. {did_you_mean(lost[0], known)}"
        )
    return {name: value for name, value in given.items() if name in known}


def _default(field: dataclasses.Field) -> Any:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def _explain(cls: type, error: pydantic.ValidationError, path: str, whole: str = "") -> str:
    """Returns the first fault of `error` in one sentence that begins with its path.

    A fault of no single field begins with `path`, or with `whole` if there is no path.
    """
    faults = error.errors(include_url=False)
    fault = faults[0]
    # A field whose type has alternatives adds their names to the location; positions in a list are numbers.
    location = [part for position, part in enumerate(fault["loc"]) if position == 0 or isinstance(part, int)]
    where = ".".join(str(part) for part in (path, *location) if part != "") or whole
    count = len({other["loc"][:1] for other in faults}) - 1
    more = f" ({count} more fault{'s' if count > 1 else ''} in {cls.__name__}.)" if count else ""
    return f"{where}: {_reason(cls, fault)}{more}" if where else f"{_reason(cls, fault)}{more}"


def _reason(cls: type | None, fault: Mapping[str, Any]) -> str:
    """Returns what was expected, what came and what to do."""
    kind, value = fault["type"], fault["input"]
    if cls is not None and kind in ("unexpected_keyword_argument", "extra_forbidden"):
        names = [field.name for field in dataclasses.fields(cls)]
        return f"unknown setting. {did_you_mean(str(fault['loc'][-1]), names)}"
    if kind == "value_error":
        return str(fault["ctx"]["error"])
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", fault["ctx"]["expected"])
        guess = f" {did_you_mean(value, choices)}" if isinstance(value, str) and nearest(value, choices) else ""
        return f"expected {fault['ctx']['expected']}. Received: {shown(value)}.{guess}"
    expected = _EXPECTED.get(kind.partition("_")[0])
    return f"{f'expected {expected}' if expected else fault['msg']}. Received: {shown(value)}."
