"""The command `espalier`: finds the action that was asked for and turns mistakes into one line."""

import os
import sys
from collections.abc import Sequence
from types import ModuleType

import source
from source.command import (
    compare,
    draw_plots,
    export,
    import_weights,
    latency,
    list_plugins,
    list_runs,
    predict,
    profile,
    recipe_line,
    resume_run,
    show_environment,
    show_help,
    tabulate_events,
    write_report,
)
from source.command.mistakes import report_mistakes
from source.command.parser import Parser, UsageError
from source.config.errors import UnknownNameError
from source.config.nearest import did_you_mean

_ACTIONS: dict[str, ModuleType] = {
    "list": list_plugins,
    "help": show_help,
    "env": show_environment,
    "export": export,
    "import": import_weights,
    "predict": predict,
    "compare": compare,
    "latency": latency,
    "profile": profile,
    "events": tabulate_events,
    "runs": list_runs,
    "resume": resume_run,
    "report": write_report,
    "plot": draw_plots,
}
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
    if word not in _ACTIONS and recipe_line.is_recipe_word(word):
        return recipe_line.run(arguments)
    if not word.startswith("-") and word not in _ACTIONS:
        known = [*_ACTIONS, *recipe_line.actions()]
        raise UnknownNameError(f"unknown command `{word[:80]}`. {did_you_mean(word, known)}")
    try:
        parsed = _parser().parse_all(arguments, takes_settings=_says(arguments, "TAKES_SETTINGS"))
    except SystemExit as finished:  # argparse ends the process after --help and --version
        return int(finished.code or 0)
    if parsed.action is None:
        raise UsageError("expected a command. See `espalier --help`.")
    return int(_ACTIONS[parsed.action].run(parsed))


def _computes(words: Sequence[str]) -> bool:
    is_recipe = bool(words) and words[0] not in _ACTIONS and recipe_line.is_recipe_word(words[0])
    return is_recipe or _says(words, "COMPUTES")


def _says(words: Sequence[str], trait: str) -> bool:
    """Whether the module of the action that was asked for says so of itself."""
    return bool(words) and getattr(_ACTIONS.get(words[0]), trait, False)


def _parser() -> Parser:
    parser = Parser(
        prog="espalier",
        description="Train, compress and ship Keras 3 models on TensorFlow, from parts swapped by name.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"espalier {source.__version__}")
    actions = parser.add_subparsers(dest="action", metavar="COMMAND")
    for name, module in _ACTIONS.items():
        action = actions.add_parser(name, help=module.SUMMARY, description=module.__doc__, allow_abbrev=False)
        module.add_arguments(action)
    return parser
