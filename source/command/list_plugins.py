"""`espalier list [WHAT]`: the plugins there are, found by listing folders; none of them is loaded.

WHAT is a room, or one of `recipe`, `format` and `action`: shipped recipes, names of number formats and sparsity
patterns, and what recipes can be told to do.
"""

import argparse
import ast
import importlib.metadata
from collections.abc import Callable
from pathlib import Path

import source
from source.command import recipe_line
from source.command.format_names import number_formats, sparsity_patterns
from source.command.parser import Parser
from source.config import plugin
from source.config.errors import UnknownNameError
from source.config.nearest import did_you_mean
from source.config.recipe.recipe import SHIPPED, shipped_files

SUMMARY = "list plugins, recipes, formats or actions with what each is"
_SOURCE = Path(source.__file__).parent


def add_arguments(parser: Parser) -> None:
    """Declares what may follow `espalier list`.

    Args:
        parser: the parser of this command.
    """
    known = ", ".join([*plugin.ROOMS, *_LISTS])
    parser.add_argument("room", metavar="WHAT", nargs="?", help=f"one of {known}; without it, the plugins of all rooms")


def run(arguments: argparse.Namespace) -> int:
    """Prints the plugins and returns the exit code 0.

    Args:
        arguments: `room`, a room's name or None for all.

    Raises:
        UnknownNameError: if there is no such room.
    """
    if arguments.room is None:
        for room in plugin.ROOMS:
            if names := plugin.available(room):
                print(f"{room}: {', '.join(names)}")
        return 0
    if arguments.room in _LISTS:
        rows = _LISTS[arguments.room]()
    elif arguments.room in plugin.ROOMS:
        rows = [(name, summary(arguments.room, name)) for name in plugin.available(arguments.room)]
    else:
        guess = did_you_mean(arguments.room, [*plugin.ROOMS, *_LISTS])
        raise UnknownNameError(f"room `{arguments.room}`: there is no such room. {guess}")
    width = max((len(name) for name, _ in rows), default=0)
    for name, text in rows:
        print(f"{name:<{width}}  {text}".rstrip())
    return 0


def summary(room: str, name: str) -> str:
    """Returns what a plugin is, in one line, without importing it.

    Args:
        room: the plugin's room.
        name: its short name, one of `available(room)`.

    Returns:
        The first line of the docstring of a plugin of ours; for others, the distribution that brought it.
    """
    file = _SOURCE / room / f"{name}.py"
    if file.is_file():
        docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        return docstring.partition("\n")[0]
    for point in importlib.metadata.entry_points(group=f"espalier.{room}", name=name):
        return f"installed by {point.dist.name if point.dist else point.value}"
    return ""


def _recipes() -> list[tuple[str, str]]:
    return [(name, first_sentence(SHIPPED / name)) for name in shipped_files()]


def first_sentence(file: Path) -> str:
    """Returns the first sentence of the comment that a recipe begins with.

    Args:
        file: a recipe.
    """
    words: list[str] = []
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            if not (text := line.removeprefix("#").strip()) or not line.startswith("#"):
                break
            words.append(text)
    return " ".join(words).partition(". ")[0]


def _formats() -> list[tuple[str, str]]:
    return [*number_formats(), *sparsity_patterns()]


def _actions() -> list[tuple[str, str]]:
    return [(name, recipe_line.summary_of(name)) for name in recipe_line.actions()]


_LISTS: dict[str, Callable[[], list[tuple[str, str]]]] = {"recipe": _recipes, "format": _formats, "action": _actions}
