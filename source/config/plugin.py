"""From a plugin's name to its module: the folder is the registry."""

import importlib
import importlib.metadata
import importlib.util
import pkgutil
from types import ModuleType

from source.config.errors import MissingDependencyError, UnknownNameError
from source.config.module_spec import module_spec
from source.config.nearest import did_you_mean

# What a room's folder holds beside plugins: the base classes and the helpers that plugins share.
_NOT_PLUGINS = {
    "compressor": {"build", "channel_compressor", "compressor", "report", "rule_sets", "rules", "weight_compressor"},
    "augmenter": {"random_key"},
    "inputter": {"inputter"},
    "network": set(),
    "modeler": {"modeler"},
    "callback": {"callback", "schedule"},
    "runner": {"runner"},
    "exporter": {
        "build",
        "comparison",
        "cost_profile",
        "exporter",
        "file_exporter",
        "latency",
        "report",
        "suffixes",
        "verification",
    },
}
ROOMS = tuple(_NOT_PLUGINS)
_LONGEST_NAME = 100  # in messages


def available(room: str) -> list[str]:
    """Returns the short names of all plugins of a room, sorted: those shipped and those installed.

    Args:
        room: one of `ROOMS`.

    Raises:
        UnknownNameError: if there is no such room.
    """
    return sorted({*_shipped(room), *(point.name for point in _entry_points(room))})


def resolve(room: str, name: str) -> ModuleType:
    """Returns the plugin module that `name` means in `room`; see `locate` for the names that are understood.

    Args:
        room: one of `ROOMS`.
        name: the plugin's name.

    Raises:
        UnknownNameError: if nothing answers to the name; the nearest names are offered.
        MissingDependencyError: if the plugin exists but a package it imports is not installed.
    """
    return _load(room, name, locate(room, name))


def locate(room: str, name: str) -> str:
    """Returns the dotted path of the plugin module that `name` means in `room`, without running a line of it.

    Three kinds of names are understood, in this order: a short name, found in the room's folder (`resnet20`);
    an installed entry point of the group `espalier.<room>`; the dotted path of any importable module
    (`mylab.nets.tiny`, `source.network.resnet20`).

    Args:
        room: one of `ROOMS`.
        name: the plugin's name.

    Raises:
        UnknownNameError: if nothing answers to the name; the nearest names are offered.
    """
    if name in _shipped(room):
        return f"source.{room}.{name}"
    for point in _entry_points(room):
        if point.name == name:
            return point.module
    if "." in name and module_spec(name) is not None:
        return name
    reason = "no such module can be imported" if "." in name else "no plugin has this name"
    guess = did_you_mean(name.rpartition(".")[2], available(room))
    raise UnknownNameError(f"{room} `{name[:_LONGEST_NAME]}`: {reason}. {guess}")


def _shipped(room: str) -> list[str]:
    if room not in _NOT_PLUGINS:
        raise UnknownNameError(f"room `{room}`: there is no such room. {did_you_mean(room, ROOMS)}")
    spec = importlib.util.find_spec(f"source.{room}")
    if spec is None or spec.submodule_search_locations is None:
        return []
    names = (info.name for info in pkgutil.iter_modules(spec.submodule_search_locations) if not info.ispkg)
    return [name for name in names if not name.startswith("_") and name not in _NOT_PLUGINS[room]]


def _entry_points(room: str) -> importlib.metadata.EntryPoints:
    return importlib.metadata.entry_points(group=f"espalier.{room}")


def _load(room: str, name: str, dotted: str) -> ModuleType:
    try:
        return importlib.import_module(dotted)
    except ModuleNotFoundError as error:
        raise _missing(room, name, dotted, error) from error


def _missing(room: str, name: str, dotted: str, error: ModuleNotFoundError) -> MissingDependencyError:
    """Tells a package that is not installed from a module that an installed package does not have."""
    module = error.name or ""
    package = module.partition(".")[0]
    if not module:
        what = f"cannot be imported: {error}."
    elif importlib.util.find_spec(package) is None:
        what = f"needs the package `{package}`, which is not installed. Install it and try again."
    else:
        what = f"imports `{module}`, which the installed package `{package}` does not have."
    return MissingDependencyError(f"{room} `{name}`: its module {dotted} {what}")
