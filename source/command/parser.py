"""An argument parser whose complaints are one line, offer the nearest option, and are exceptions."""

import argparse
from collections.abc import Sequence
from typing import NoReturn

from source.config.errors import EspalierError
from source.config.nearest import did_you_mean


class UsageError(EspalierError):
    """A command line that cannot be understood."""


class Parser(argparse.ArgumentParser):
    """An `ArgumentParser` that raises `UsageError` where the original prints a usage text and exits."""

    def error(self, message: str) -> NoReturn:
        """Raises what `argparse` found wrong.

        Args:
            message: the complaint, without a full stop.

        Raises:
            UsageError: always.
        """
        raise UsageError(f"{message}. See `{self.prog} --help`.")

    def parse_all(self, arguments: Sequence[str], takes_settings: bool = False) -> argparse.Namespace:
        """Returns the parsed arguments, refusing those that mean nothing here.

        Args:
            arguments: what follows the command's name.
            takes_settings: keep flags that are not known here, as the list `settings`, for a part that has them.

        Raises:
            UsageError: if an argument is unknown, missing or malformed; the nearest option is offered.
        """
        namespace, unknown = self.parse_known_args(arguments)
        if takes_settings:
            namespace.settings = [word for word in unknown if word.startswith("--")]
            unknown = [word for word in unknown if word not in namespace.settings]
        if not unknown:
            return namespace
        if unknown[0].startswith("-"):
            given = unknown[0].split("=")[0]
            raise UsageError(f"unknown option `{given}`. {did_you_mean(given, self.known_options())}")
        raise UsageError(f"one argument too many: `{unknown[0]}`. See `{self.prog} --help`.")

    def known_options(self) -> list[str]:
        """Returns the options of this parser and of its sub-commands."""
        words = [word for action in self._actions for word in action.option_strings]
        for action in self._actions:
            for inner in action.choices.values() if isinstance(action.choices, dict) else ():
                words += inner.known_options() if isinstance(inner, Parser) else []
        return words
