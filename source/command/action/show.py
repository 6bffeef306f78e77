"""Prints the recipe as it stands, resolved, with the file and line that each value came from.

What is printed is YAML: written to a file, it is a recipe that needs no other.
"""

from collections.abc import Iterator

from source.command.session import Session
from source.config.recipe.tree import plain
from source.config.recipe.yaml_text import Located, in_one_line

SUMMARY = "print the resolved recipe, and where each value came from"
_INDENT = "  "


def run(session: Session) -> None:
    """Prints the recipe, and checks it.

    Args:
        session: of the command line.
    """
    lines = list(_lines(session.resolved, 0))
    width = min(60, max((len(text) for text, _ in lines), default=0))
    for text, place in lines:
        print(f"{text:<{width}}  # {place}" if place else text)
    session.parts  # noqa: B018 - what is wrong in it is told after what it is


def _lines(tree: Located, depth: int) -> Iterator[tuple[str, str]]:
    """Yields lines of YAML with the places of their values."""
    for key, value in tree.value.items():
        begin = f"{_INDENT * depth}{in_one_line(key)}:"
        if isinstance(value.value, dict) and value.value:
            yield begin, ""
            yield from _lines(value, depth + 1)
        elif isinstance(value.value, list) and any(isinstance(each.value, (dict, list)) for each in value.value):
            yield begin, ""
            for each in value.value:
                yield from _item(each, depth + 1)
        else:
            yield f"{begin} {in_one_line(plain(value))}", str(value.place)


def _item(value: Located, depth: int) -> Iterator[tuple[str, str]]:
    """Yields the lines of an item of a list, the first one behind its dash."""
    if not isinstance(value.value, dict) or not value.value:
        yield f"{_INDENT * depth}- {in_one_line(plain(value))}", str(value.place)
        return
    first = True
    for text, place in _lines(value, depth + 1):
        yield (f"{_INDENT * depth}- {text[len(_INDENT) * (depth + 1) :]}" if first else text), place
        first = False
