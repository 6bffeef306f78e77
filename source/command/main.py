"""The command `espalier`: finds the action that was asked for and turns mistakes into one line."""

import argparse
import os
import sys
from collections.abc import Sequence

import source
from source.command import commands, recipe_line
from source.command.mistakes import report_mistakes
from source.command.parser import Parser, UsageError
from source.config.errors import UnknownNameError
from source.config.nearest import did_you_mean

_DESCRIPTION = """\
Train, compress and ship Keras 3 models on TensorFlow, from parts swapped by name.

A recipe is made of files and settings, merged from left to right; actions act on what stands before them:

  espalier network/lenet5.yaml data/mnist.yaml epochs=2 train evaluate

Files are looked for here and among those shipped (`espalier list recipe`). Settings are written key=value, with dots
for what stands inside: network.dropout=0.3. `espalier help ROOM.NAME` shows what a part can be told, and the action
`show` the recipe as it stands.

actions:
{actions}
"""
# TensorFlow's start-up notes would stand between a user and the answer. That on oneDNN goes only with oneDNN
# itself, which actions that load TensorFlow to ask it something do not miss; those with `COMPUTES` keep it.
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2", "TF_ENABLE_ONEDNN_OPTS": "0"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code.

    Args:
        arguments: what follows the command's name; None takes the process's own.

    Returns:
        0 if all went well, 2 for a mistake of the user (told in one line on stderr), 130 after Ctrl-C.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    for name, value in _QUIET.items():
        if not (name == "TF_ENABLE_ONEDNN_OPTS" and _computes(words)):
            os.environ.setdefault(name, value)
    return report_mistakes("espalier", lambda: _run(words))


def _run(arguments: list[str]) -> int:
    if arguments in ([], ["help"]):
        arguments = ["--help"]
    word = arguments[0]
    if _is_recipe(arguments):
        return recipe_line.run(arguments)
    if not word.startswith("-") and word not in commands.names():
        known = [*commands.names(), *recipe_line.actions()]
        raise UnknownNameError(f"unknown command `{word[:80]}`. {did_you_mean(word, known)}")
    try:
        parsed = _parser(word).parse_all(arguments, takes_settings=_says(arguments, "TAKES_SETTINGS"))
    except SystemExit as finished:  # argparse ends the process after --help and --version
        return int(finished.code or 0)
    if parsed.action is None:
        raise UsageError("expected a command. See `espalier --help`.")
    return int(commands.module_of(parsed.action).run(parsed))


def _is_recipe(words: Sequence[str]) -> bool:
    return bool(words) and words[0] not in commands.names() and recipe_line.is_recipe_word(words[0])


def _computes(words: Sequence[str]) -> bool:
    return _is_recipe(words) or _says(words, "COMPUTES")


def _says(words: Sequence[str], trait: str) -> bool:
    """Whether the module of the command that was asked for says so of itself."""
    known = bool(words) and words[0] in commands.names()
    return known and getattr(commands.module_of(words[0]), trait, False)


def _parser(word: str) -> Parser:
    """Returns the parser of a command line; of the commands, only the one that is asked for is loaded."""
    parser = Parser(
        prog="espalier",
        usage="espalier [FILE.yaml | key=value | ACTION]...\n       espalier COMMAND ...",
        description=_DESCRIPTION.format(actions=recipe_line.overview()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"espalier {source.__version__}")
    listed = parser.add_subparsers(dest="action", metavar="COMMAND", title="commands", prog="espalier")
    for name in commands.names():
        if name != word:
            listed.add_parser(name, help=commands.summary_of(name))
            continue
        module = commands.module_of(name)
        inner = listed.add_parser(name, help=module.SUMMARY, description=module.__doc__, allow_abbrev=False)
        module.add_arguments(inner)
    return parser
