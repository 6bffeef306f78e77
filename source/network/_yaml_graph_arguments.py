"""Arguments of modules in YAML: `^(name)` and what it stands for."""

import re
from collections.abc import Mapping
from typing import Any

from source.config.errors import ConfigError
from source.config.nearest import did_you_mean

_ARGUMENT = re.compile(r"\^\(\s*([A-Za-z_][\w.]*)\s*\)")


def has_arguments(value: Any) -> bool:
    """Returns whether a value is text with `^(name)` in it.

    Args:
        value: anything.
    """
    return isinstance(value, str) and bool(_ARGUMENT.search(value))


def substitute(value: Any, arguments: Mapping[str, Any], path: str) -> Any:
    """Returns a value with arguments in the places of `^(name)`, of any type where that is all of a text.

    Args:
        value: mapping, list, text, number, ...
        arguments: values by name.
        path: where the value stands, to begin the messages with.

    Raises:
        ConfigError: for a name that there is no argument of, and for mappings and lists inside a text.
    """
    if isinstance(value, Mapping):
        return {key: substitute(each, arguments, f"{path}.{key}") for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [substitute(each, arguments, f"{path}.{place}") for place, each in enumerate(value)]
    if not isinstance(value, str):
        return value
    whole = _ARGUMENT.fullmatch(value.strip())
    return (
        _argument(whole, arguments, path)
        if whole
        else _ARGUMENT.sub(lambda found: _text(found, arguments, path), value)
    )


def _argument(found: re.Match[str], arguments: Mapping[str, Any], path: str) -> Any:
    name = found[1]
    if name not in arguments:
        raise ConfigError(f"{path}: `{found[0]}` names no argument. {did_you_mean(name, arguments)}")
    return arguments[name]


def _text(found: re.Match[str], arguments: Mapping[str, Any], path: str) -> str:
    value = _argument(found, arguments, path)
    if isinstance(value, (Mapping, list, tuple)):
        raise ConfigError(f"{path}: `{found[0]}` stands in a text and must be text or a number. Received: {value!r}.")
    return str(value)
