"""`espalier help ROOM.NAME`: what a plugin is and every setting it takes, read from its `Config`."""

import argparse
import inspect
import itertools
import shutil
import textwrap
from types import ModuleType

from source.command.parser import Parser, UsageError
from source.command.settings_text import Setting, describe
from source.config import plugin
from source.config.nearest import did_you_mean

SUMMARY = "show what a plugin is and its settings with type, default and meaning"


def add_arguments(parser: Parser) -> None:
    """Declares what may follow `espalier help`.

    Args:
        parser: the parser of this command.
    """
    parser.add_argument("plugin", metavar="ROOM.NAME", help="such as network.resnet20; see `espalier list`")


def run(arguments: argparse.Namespace) -> int:
    """Prints the plugin's help and returns the exit code 0; loads the plugin, and with it TensorFlow.

    Args:
        arguments: `plugin`, written `room.name`; the name may itself be a dotted path.

    Raises:
        UsageError: if no room is named.
        UnknownNameError: if there is no such room or plugin.
        MissingDependencyError: if the plugin needs a package that is not installed.
    """
    room, _, name = arguments.plugin.partition(".")
    if not name:
        raise UsageError(f"expected ROOM.NAME, such as network.resnet20. Received: {room}. {_where_it_may_be(room)}")
    width = max(40, shutil.get_terminal_size(fallback=(100, 24)).columns)
    print(plugin_text(arguments.plugin, plugin.resolve(room, name), width))
    return 0


def plugin_text(title: str, module: ModuleType, width: int) -> str:
    """Returns the help of one plugin.

    Args:
        title: the heading.
        module: the plugin.
        width: longest line, characters.
    """
    parts = [title, "", inspect.getdoc(module) or "This plugin has no description."]
    config_class = getattr(module, "Config", None)
    if config_class is None:
        return "\n".join([*parts, "", "It has no settings."])
    for owner, settings in itertools.groupby(describe(config_class), key=lambda setting: setting.owner):
        parts += ["", "Settings" if owner is config_class else f"Settings shared through {owner.__name__}"]
        parts += [_setting_text(setting, width) for setting in settings]
    return "\n".join(parts)


def _setting_text(setting: Setting, width: int) -> str:
    default = "" if setting.default is None else f" = {setting.default}"
    meaning = textwrap.fill(setting.meaning, width, initial_indent=" " * 6, subsequent_indent=" " * 6)
    return f"  {setting.name}: {setting.type}{default}\n{meaning}".rstrip()


def _where_it_may_be(word: str) -> str:
    """Returns a hint for one who gave a room alone, or a plugin's name without its room."""
    if word in plugin.ROOMS:
        return f"`espalier list {word}` shows its plugins."
    names = {name: f"{room}.{name}" for room in plugin.ROOMS for name in plugin.available(room)}
    return f"Did you mean `{names[word]}`?" if word in names else did_you_mean(word, names.values())
