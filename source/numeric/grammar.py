"""One grammar for the names of all number formats: text to format, and what is wrong where."""

import re
from collections.abc import Callable
from functools import partial

from source.config import nearest
from source.config.errors import ConfigError, UnknownNameError
from source.numeric._aliases import aliases
from source.numeric._readable import READABLE
from source.numeric._reader import MalformedError, Reader
from source.numeric._rule import Rule
from source.numeric._shorthands import SHORTHANDS
from source.numeric.format import NumberFormat
from source.numeric.recentralized import Recentralized

# What a nearest name is looked for among, beside the aliases and the forms of rules.
_COMMON = ("int8", "int4", "uint8", "fp8_e5m2", "ternary", "binary", "pow2", "fixed", "XP", "FP", "BFP", "SBFP")


def number_format(text: str | NumberFormat) -> NumberFormat:
    """Returns the number format of a name; a format is returned as it is.

    `str()` of a format is its canonical name. Aliases, such as "bfloat16" and "BFP16_64", are read too.

    Args:
        text: such as "int8", "fixed<8,4>", "fp8_e4m3fn", "mxfp4" or "BFP[8|8]{64}(SN)".

    Raises:
        UnknownNameError: when no format's name begins like that; the message offers the nearest.
        ConfigError: when the name is malformed, with the place, or when there is no such format.
    """
    if isinstance(text, NumberFormat):
        return text
    name = text.strip()
    reader = Reader(aliases().get(name, name))
    read = _reading(reader, name)
    try:
        found = read(reader)
    except MalformedError:
        raise
    except ConfigError as error:
        raise ConfigError(f"`{name}` is no number format: {error}") from None
    reader.end()
    return found


def _reading(reader: Reader, name: str) -> Callable[[Reader], NumberFormat]:
    """Returns what reads the rest of a name, after its first word."""
    word = reader.word()
    for rule in _RULES:
        if match := re.fullmatch(rule.pattern, word):
            reader.form = rule.form
            return partial(rule.read, word=match)
    known = [*aliases(), *(rule.form for rule in _RULES), *_COMMON]
    raise UnknownNameError(f"There is no number format `{name}`. {nearest.did_you_mean(name, known)}")


def _recentralized(reader: Reader, word: re.Match[str]) -> Recentralized:
    return Recentralized(number_format(reader.inside("the name of a format")))


_RULES = (*SHORTHANDS, *READABLE, Rule("recentralized", "recentralized<format>", _recentralized))
