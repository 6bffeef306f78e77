"""Reads a name piece by piece, and says where it stops making sense and what was expected there."""

import re
from collections.abc import Iterable
from typing import NoReturn

from source.config.errors import ConfigError

_INTEGER = re.compile(r"[+-]?\d+")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_WORD = re.compile(r"[A-Za-z_]\w*")


class MalformedError(ConfigError):
    """A name that is not written like any; the message says where."""


class Reader:
    """A text and how much of it has been read.

    Attributes:
        text: the whole name.
        position: characters read.
        kind: what the text is to name, for messages.
        form: how a name of this kind is written, for messages.
    """

    def __init__(self, text: str, kind: str = "number format") -> None:
        self.text = text
        self.kind = kind
        self.position = 0
        self.form = ""

    def take(self, token: str) -> bool:
        """Reads a token if it comes next; returns whether it did."""
        found = self.text.startswith(token, self.position)
        self.position += len(token) if found else 0
        return found

    def expect(self, token: str) -> None:
        """Reads a token.

        Raises:
            MalformedError: when something else comes next.
        """
        if not self.take(token):
            self.fail(f"`{token}`")

    def word(self) -> str:
        """Reads letters, digits and underscores; returns an empty text if none come next."""
        return self._match(_WORD)

    def integer(self, what: str) -> int:
        """Reads an integer with or without a sign.

        Args:
            what: what it means, for the message.
        """
        return int(self._match(_INTEGER) or self.fail(f"{what}, an integer"))

    def number(self, what: str) -> float:
        """Reads a decimal number.

        Args:
            what: what it means, for the message.
        """
        return float(self._match(_NUMBER) or self.fail(f"{what}, a number"))

    def letter(self, letters: Iterable[str], what: str) -> str:
        """Reads one of some letters or words.

        Args:
            letters: those that are allowed.
            what: what they mean, for the message.
        """
        for candidate in letters:
            if self.take(candidate):
                return candidate
        self.fail(f"{what}: one of " + ", ".join(f"`{candidate}`" for candidate in letters))

    def inside(self, what: str) -> str:
        """Reads `<`, a text in which every bracket is closed, and `>`; returns the text.

        Args:
            what: what it means, for the message.
        """
        self.expect("<")
        depth, start = 1, self.position
        while depth and self.position < len(self.text):
            depth += {"<": 1, ">": -1}.get(self.text[self.position], 0)
            self.position += 1
        if depth:
            self.fail("`>`")
        if self.position == start + 1:
            self.position = start
            self.fail(what)
        return self.text[start : self.position - 1]

    def comes(self, *tokens: str) -> bool:
        """Returns whether one of some tokens comes next."""
        return self.text.startswith(tokens, self.position)

    def end(self) -> None:
        """Accepts nothing but the end of the text."""
        if self.position < len(self.text):
            self.fail("the end")

    def fail(self, expected: str) -> NoReturn:
        """Raises the error that tells what was expected where.

        Raises:
            MalformedError: always.
        """
        rest = self.text[self.position :]
        came = f"`{rest}`" if rest else "the end"
        form = f" It is written `{self.form}`." if self.form else ""
        raise MalformedError(
            f"`{self.text}` is no {self.kind}: at character {self.position + 1}, {expected} was expected. "
            f"Received: {came}.{form}"
        )

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.position)
        if found is None:
            return ""
        self.position = found.end()
        return found.group()
