"""What a rule of the grammar of formats is, and what rules share: sizes, groups, and ways to round."""

from collections.abc import Callable
from typing import NamedTuple

from source.numeric._groups import Group
from source.numeric._reader import Reader
from source.numeric.format import NumberFormat
from source.numeric.rounding import LETTERS, Rounding


class Rule(NamedTuple):
    """How names that begin with certain words are read.

    Attributes:
        pattern: matches the whole word that the name begins with.
        form: how the name is written, for messages.
        read: takes a reader and the match as `word`, reads what follows the word, and makes the format.
    """

    pattern: str
    form: str
    read: Callable[..., NumberFormat]


def size(reader: Reader) -> int:
    """Reads `{64}`, or `{64,-1}` of earlier generations, whose axis is told to `round` now."""
    reader.expect("{")
    number = reader.integer("the size of a block")
    if reader.take(","):
        reader.integer("the axis of blocks")
    reader.expect("}")
    return number


def group(reader: Reader) -> Group:
    """Reads `<channel>`, `<tensor>`, `<64>` or nothing."""
    if not reader.take("<"):
        return "tensor"
    found = group_word(reader)
    reader.expect(">")
    return found


def group_word(reader: Reader) -> Group:
    """Reads `channel`, `tensor` or the size of a block."""
    for word in ("channel", "tensor"):
        if reader.take(word):
            return word
    return reader.integer("`channel` or the size of a block")


def rounding_and_close(reader: Reader) -> Rounding:
    """Reads a letter that says how to round, and the closing parenthesis."""
    letter = reader.letter(LETTERS, "the way to round")
    reader.expect(")")
    return LETTERS[letter]


def suffix(reader: Reader) -> Rounding:
    """Reads `(S)`, or nothing, which is to nearest."""
    return rounding_and_close(reader) if reader.take("(") else "nearest"


def flag(reader: Reader, yes: str, no: str, what: str, default: bool) -> bool:
    """Reads a flag in front of the letter that says how to round; a letter alone leaves the default."""
    if reader.text[reader.position + 1 : reader.position + 2] == ")":
        return default
    return reader.letter(yes + no, what) in yes
