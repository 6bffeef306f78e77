"""Tables of text cells as CSV, as Markdown, and for a terminal."""

import csv
import io
from collections.abc import Sequence

Rows = Sequence[Sequence[str]]


def to_csv(columns: Sequence[str], rows: Rows) -> str:
    """Returns the table as CSV (RFC 4180, with line breaks of one character).

    Args:
        columns: their names.
        rows: cells of each row.
    """
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([columns, *rows])
    return stream.getvalue()


def to_markdown(columns: Sequence[str], rows: Rows, left: int = 1) -> str:
    """Returns the table as Markdown, with cells padded to equal widths.

    Args:
        columns: their names.
        rows: cells of each row; a vertical bar in a cell is escaped.
        left: how many columns from the left hold text; the others hold numbers, which stand right.
    """
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in (columns, *rows)]
    widths = [max(3, *(len(row[place]) for row in cells)) for place in range(len(columns))]
    marks = ["-" * width if place < left else "-" * (width - 1) + ":" for place, width in enumerate(widths)]
    lines = [_line(row, widths, left) for row in cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], marks, *lines[1:])) + "\n"


def to_text(columns: Sequence[str], rows: Rows, left: int = 1) -> str:
    """Returns the table for a terminal: columns two spaces apart.

    Args:
        columns: their names.
        rows: cells of each row.
        left: how many columns from the left hold text; the others hold numbers, which stand right.
    """
    cells = [[" ".join(cell.split()) for cell in row] for row in (columns, *rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(columns))]
    return "".join("  ".join(_line(row, widths, left)).rstrip() + "\n" for row in cells)


def _line(cells: Sequence[str], widths: Sequence[int], left: int) -> list[str]:
    pairs = enumerate(zip(cells, widths, strict=True))
    return [cell.ljust(width) if place < left else cell.rjust(width) for place, (cell, width) in pairs]
