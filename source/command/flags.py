"""The flags of an application as values by name; which names there are is not known here."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from source.command.parser import UsageError
from source.config.nearest import did_you_mean

# Words that may mark where the flags of a mode begin; they only name it, because no flag means two things.
SECTIONS = {
    "train_args": "train",
    "eval_args": "eval",
    "infer_args": "infer",
    "export_args": "export",
    "tune_args": "tune",
}
_NAME = re.compile(r"[A-Za-z_][\w-]*(\.[\w-]+)*")
_WHOLE = re.compile(r"[+-]?(0|[1-9]\d*)")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_WORDS = {"true": True, "false": False, "null": None}


@dataclasses.dataclass(frozen=True)
class Flags:
    """What a command line said.

    Attributes:
        values: text by name; True for a flag without a value; a mapping for names with a dot.
        sections: the words among `SECTIONS`, in their order.
    """

    values: Mapping[str, Any]
    sections: tuple[str, ...] = ()


def parse_flags(arguments: Sequence[str]) -> Flags:
    """Returns the values of `--name=value`, `--name value` and `--name`, in any order; the last one counts.

    `-` and `_` in names are the same. `--network_options.dropout=0.3` puts a value into a mapping; there
    numbers, `true`, `false` and `null` are told from text, because the settings of somebody else's class have
    no type that could do it. A value of two words after a flag is taken unless it begins with `--`, so
    negative numbers are values.

    Args:
        arguments: what follows the program's name.

    Raises:
        UsageError: for a word that is neither a flag, nor a value, nor one of `SECTIONS`.
    """
    values: dict[str, Any] = {}
    sections: list[str] = []
    waiting = list(arguments)
    while waiting:
        word = waiting.pop(0)
        if word in SECTIONS:
            sections.append(word)
            continue
        name, equals, text = word.removeprefix("--").partition("=")
        if not word.startswith("--") or not _NAME.fullmatch(name):
            raise UsageError(f"expected a flag such as --mode=train. Received: `{word}`.{_hint(word)}")
        has_value = bool(equals) or bool(waiting and not _is_ours(waiting[0]))
        value: Any = text if equals else waiting.pop(0) if has_value else True
        _put(values, name.replace("-", "_").split("."), value)
    return Flags(values, tuple(sections))


def _put(values: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """Sets a value, making the mappings on the way to it."""
    *above, last = path
    for depth, part in enumerate(above, start=1):
        values = values.setdefault(part, {})
        if not isinstance(values, dict):
            raise UsageError(f"--{'.'.join(path)}: --{'.'.join(path[:depth])} has a value of its own already.")
    if isinstance(values.get(last), dict):
        raise UsageError(f"--{'.'.join(path)}: takes settings with a dot, --{'.'.join(path)}.name=value.")
    values[last] = _plain(value) if above else value


def _plain(value: Any) -> Any:
    """Returns the number, truth value or nothing that a text spells, otherwise the text."""
    if not isinstance(value, str):
        return value
    if value.lower() in _WORDS:
        return _WORDS[value.lower()]
    if _WHOLE.fullmatch(value):
        return int(value)
    return float(value) if _NUMBER.fullmatch(value) else value


def _is_ours(word: str) -> bool:
    return word.startswith("--") or word in SECTIONS


def _hint(word: str) -> str:
    """Returns a sentence on what the word may have been meant to be, after a space; or nothing."""
    if word.endswith("_args"):
        return f" {did_you_mean(word, SECTIONS)}"
    return f" Did you mean `-{word}`?" if _NAME.match(word.removeprefix("-")) and word.startswith("-") else ""
