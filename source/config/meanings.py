"""What docstrings say of settings: the section `Attributes:`."""

import inspect
import re

_FIELD = re.compile(r"^    (\w+): (.*)$")
_CONTINUATION = re.compile(r"^ {5,}(\S.*)$")


def attribute_meanings(docstring: str | None) -> dict[str, str]:
    """Returns what the section `Attributes:` of a docstring says of each name, every text in one line.

    Args:
        docstring: as it stands in the source; indentation is removed here.
    """
    meanings: dict[str, str] = {}
    name = ""
    for line in _section(inspect.cleandoc(docstring or "").splitlines(), "Attributes:"):
        if found := _FIELD.match(line):
            name, meanings[found[1]] = found[1], found[2]
        elif name and (found := _CONTINUATION.match(line)):
            meanings[name] += " " + found[1]
    return meanings


def _section(lines: list[str], title: str) -> list[str]:
    """Returns the lines below `title` up to the next line that is not indented."""
    if title not in lines:
        return []
    below = lines[lines.index(title) + 1 :]
    ends = [place for place, line in enumerate(below) if line and not line.startswith(" ")]
    return below[: ends[0]] if ends else below
