"""`espalier list [ROOM]`: the plugins there are, found by listing folders; none of them is loaded."""

import argparse
import ast
import importlib.metadata
from pathlib import Path

import source
from source.command.parser import Parser
from source.config import plugin

SUMMARY = "list the plugins of all rooms, or of one with what each is"
_SOURCE = Path(source.__file__).parent


def add_arguments(parser: Parser) -> None:
    """Declares what may follow `espalier list`.

    Args:
        parser: the parser of this command.
    """
    parser.add_argument("room", metavar="ROOM", nargs="?", help=f"one of {', '.join(plugin.ROOMS)}")


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
    names = plugin.available(arguments.room)
    width = max(map(len, names), default=0)
    for name in names:
        print(f"{name:<{width}}  {summary(arguments.room, name)}".rstrip())
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
