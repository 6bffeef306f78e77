"""Rows of CSV files as people write them: either quote, any line ending, a byte order mark, blank lines."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from source.config.errors import DataError

_DEFAULT_QUOTE = '"'


class Row(NamedTuple):
    """One row.

    Attributes:
        number: the line of the file it ends on, counted from 1.
        cells: its text, without surrounding spaces.
    """

    number: int
    cells: tuple[str, ...]


def rows(path: Path, delimiter: str = ",", quotechar: str | None = None) -> Iterator[Row]:
    """Yields the rows of a CSV file in UTF-8, blank lines left out.

    Args:
        path: the file.
        delimiter: the character between cells.
        quotechar: the character around cells that hold a delimiter; None finds out which of " and ' it is.

    Raises:
        DataError: if the file cannot be read, is no text, holds nothing, or breaks the rules of quoting.
    """
    text = _text(path)
    reader = csv.reader(
        text.splitlines(keepends=True),
        delimiter=delimiter,
        quotechar=quotechar or _quote(text, delimiter),
        strict=True,
    )
    is_empty = True
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                is_empty = False
                yield Row(reader.line_num, tuple(cell.strip() for cell in cells))
    except csv.Error as error:
        raise DataError(f"{path}, row {reader.line_num}: not a CSV row ({error}).") from error
    if is_empty:
        raise DataError(f"{path}: expected rows with an image and a label. Received: an empty file.")


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: the file cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: expected text in UTF-8. Received: byte {error.object[error.start]:#04x} at offset {error.start}."
        ) from error


def _quote(text: str, delimiter: str) -> str:
    """Returns the quote that a cell begins and ends with, the first such in the file; " if there is none."""
    border = re.escape(delimiter)
    match = re.search(rf"(?m)(?:^|{border})[ \t]*(['\"])(?:(?!\1).)*\1[ \t]*(?:{border}|\r?$)", text)
    return match.group(1) if match else _DEFAULT_QUOTE
