"""`espalier help ROOM.NAME`: what a plugin is and every setting it takes; `espalier help ACTION`: what an action does.

Plugins that come with this package are read from their sources; others are loaded, and with them TensorFlow.
"""

import argparse
import inspect
import itertools
import shutil
import textwrap
from collections.abc import Sequence
from types import ModuleType

from source.command import commands, recipe_line
from source.command.parser import Parser, UsageError
from source.command.settings_text import Setting, describe
from source.config import plugin
from source.config.nearest import did_you_mean
from source.config.plugin_fields import PluginFields, plugin_fields

# Class that declares a setting, its name, type, default and meaning.
_Row = tuple[str, str, str, str | None, str]
SUMMARY = "show what a plugin is and its settings, or what an action does"


def add_arguments(parser: Parser) -> None:
    """Declares what may follow `espalier help`.

    Args:
        parser: the parser of this command.
    """
    parser.add_argument(
        "plugin", metavar="ROOM.NAME", help="such as network.resnet20 (see `espalier list`), or the name of an action"
    )


def run(arguments: argparse.Namespace) -> int:
    """Prints the help and returns the exit code 0.

    Args:
        arguments: `plugin`, written `room.name`; the name may itself be a dotted path. Or the name of an action.

    Raises:
        UsageError: if no room is named.
        UnknownNameError: if there is no such room or plugin.
        MissingDependencyError: if the plugin needs a package that is not installed.
    """
    word = arguments.plugin
    room, _, name = word.partition(".")
    if not name and (word in recipe_line.actions() or word in commands.names()):
        print(_word_text(word))
        return 0
    if not name:
        raise UsageError(f"expected ROOM.NAME, such as network.resnet20. Received: {room}. {_where_it_may_be(room)}")
    width = max(40, shutil.get_terminal_size(fallback=(100, 24)).columns)
    known = plugin_fields(room, name)
    print(module_text(word, plugin.resolve(room, name), width) if known is None else source_text(word, known, width))
    return 0


def source_text(title: str, known: PluginFields, width: int) -> str:
    """Returns the help of a plugin of this package.

    Args:
        title: the heading.
        known: what its source says.
        width: longest line, characters.
    """
    fields = known.fields.values()
    own = [field for field in fields if field.owner == known.config]
    shared = sorted((field for field in fields if field.owner != known.config), key=lambda field: field.owner)
    rows = [(field.owner, field.name, field.type, field.default, field.meaning) for field in [*own, *shared]]
    return _text(title, known.summary, rows, known.config, width)


def module_text(title: str, module: ModuleType, width: int) -> str:
    """Returns the help of a plugin that is loaded.

    Args:
        title: the heading.
        module: the plugin.
        width: longest line, characters.
    """
    config_class = getattr(module, "Config", None)
    settings: list[Setting] = [] if config_class is None else describe(config_class)
    rows = [(each.owner.__name__, each.name, each.type, each.default, each.meaning) for each in settings]
    own = None if config_class is None else config_class.__name__
    return _text(title, inspect.getdoc(module) or "This plugin has no description.", rows, own, width)


def _text(title: str, summary: str, rows: Sequence[_Row], own: str | None, width: int) -> str:
    """Returns a heading, what a plugin is, and its settings below the names of the classes that they come from."""
    parts = [title, "", summary]
    if not rows:
        return "\n".join([*parts, "", "It has no settings."])
    for owner, settings in itertools.groupby(rows, key=lambda row: row[0]):
        through = f"Settings shared through {owner.rpartition('.')[2]}"
        parts += ["", "Settings" if owner == own else through]
        parts += [_setting_text(*row[1:], width) for row in settings]
    return "\n".join(parts)


def _setting_text(name: str, type_text: str, default: str | None, meaning: str, width: int) -> str:
    told = "" if default is None else f" = {default}"
    folded = textwrap.fill(meaning, width, initial_indent=" " * 6, subsequent_indent=" " * 6)
    return f"  {name}: {type_text}{told}\n{folded}".rstrip()


def _word_text(word: str) -> str:
    """Returns the help of an action; of a command, where it is."""
    command = f"`espalier {word} --help` shows the command that takes arguments of its own."
    if word not in recipe_line.actions():
        return f"{word}: {commands.summary_of(word)}. `espalier {word} --help` shows what it takes."
    text = recipe_line.help_of(word)
    return f"{text}\n\n{command}" if word in commands.names() else text


def _where_it_may_be(word: str) -> str:
    """Returns a hint for one who gave a room alone, or a plugin's name without its room."""
    if word in plugin.ROOMS:
        return f"`espalier list {word}` shows its plugins."
    names = {name: f"{room}.{name}" for room in plugin.ROOMS for name in plugin.available(room)}
    return f"Did you mean `{names[word]}`?" if word in names else did_you_mean(word, names.values())
