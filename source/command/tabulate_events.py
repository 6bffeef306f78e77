"""`espalier events RUN...`: the scalars of TensorBoard's event files as a table, several runs side by side.

A place is an event file or a folder; the files of each folder in it or below are one run. Rows are steps, columns are
`<run>:<tag>`. A file that is damaged or cut off gives what stands before the damage, and a line on standard error.
"""

import argparse
import pathlib
import sys

from source.command.parser import Parser, UsageError
from source.command.profile import write
from source.command.record import table
from source.command.record.event_series import chosen, read_runs
from source.command.record.event_series import table as scalar_table
from source.config.errors import DataError

SUMMARY = "show the scalars of TensorBoard runs as Markdown or CSV"
_SUFFIXES = {".csv": table.to_csv, ".md": table.to_markdown}


def add_arguments(parser: Parser) -> None:
    """Declares what may follow `espalier events`.

    Args:
        parser: the parser of this command.
    """
    parser.add_argument("runs", metavar="RUN_OR_FOLDER", nargs="+", help="folders with event files, or such files")
    parser.add_argument(
        "--tags", metavar="PATTERN,...", help="of scalars: loss, *accuracy, validation:*; default: all of them"
    )
    parser.add_argument("--steps", metavar="STEP,...", help="rows to show; default: all of them")
    parser.add_argument("--newest_first", action="store_true", help="the last step stands in the first row")
    parser.add_argument(
        "--output", metavar="FILE", action="append", default=[], help="write .csv or .md; may be given twice"
    )


def run(arguments: argparse.Namespace) -> int:
    """Prints the table as Markdown or writes it, and returns the exit code 0.

    Args:
        arguments: `runs`, `tags`, `steps`, `newest_first`, `output`.

    Raises:
        UsageError: for steps that are no numbers, and a file of another kind or that cannot be written.
        DataError: for a place without event files, a pattern that matches nothing, and steps without points.
    """
    for file in arguments.output:
        if pathlib.Path(file).suffix not in _SUFFIXES:
            raise UsageError(f"--output: expected a file that ends in .csv or .md. Received: {file}.")
    steps = _steps(arguments.steps)
    series, faults = read_runs([pathlib.Path(place) for place in arguments.runs])
    for fault in faults:
        print(f"espalier: {fault}", file=sys.stderr)
    if not series:
        raise DataError(f"{arguments.runs[0]}: there are event files, but no scalars in them.")
    columns, rows = scalar_table(chosen(series, _words(arguments.tags)), steps, arguments.newest_first)
    for file in arguments.output:
        write(file, _SUFFIXES[pathlib.Path(file).suffix](columns, rows), "--output")
    if not arguments.output:
        print(table.to_markdown(columns, rows, left=0), end="")
    return 0


def _words(text: str | None) -> list[str]:
    return [word.strip() for word in (text or "").split(",") if word.strip()]


def _steps(text: str | None) -> list[int]:
    words = _words(text)
    for word in words:
        if not word.isdecimal():
            raise UsageError(f"--steps: expected numbers of steps such as 100,200. Received: {text}.")
    return [int(word) for word in words]
