"""From a compressor's name and settings to the compressor: the front door of this room."""

from typing import Any

from source.compressor.compressor import Compressor
from source.config.errors import ConfigError
from source.config.plugin import resolve
from source.config.settings import from_mapping


def compressor(name: str, **settings: Any) -> Compressor:
    """Returns a compressor.

    Args:
        name: a short name such as "magnitude_pruning", an installed entry point, or the dotted path of a module.
        **settings: its settings.

    Raises:
        UnknownNameError: for a name that nothing answers to; the nearest are offered.
        ConfigError: for what is no name, and for a setting that it does not have, or that cannot be.
    """
    if not isinstance(name, str):
        raise ConfigError(f"A compressor is made by its name, such as `magnitude_pruning`. Received: {name!r}.")
    module = resolve("compressor", name)
    return module.build(from_mapping(module.Config, settings, name))
