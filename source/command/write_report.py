"""`espalier report RUN`: one HTML page on a run, with everything in it: results, curves, files, settings.

The page is `report.html` in the folder of the run, unless --output says otherwise. It loads nothing from elsewhere.
"""

import argparse

from source.command.parser import Parser

SUMMARY = "write report.html of a run"


def add_arguments(parser: Parser) -> None:
    """Declares what may follow `espalier report`.

    Args:
        parser: the parser of this command.
    """
    parser.add_argument("run", metavar="RUN", help="folder of a run")
    parser.add_argument("--output", metavar="FILE", help="write there; default: report.html in the folder")


def run(arguments: argparse.Namespace) -> int:
    """Writes the page, says where, and returns the exit code 0.

    Args:
        arguments: `run`, `output`.

    Raises:
        DataError: if there is no run in the folder, or the page cannot be written.
    """
    from source.command.record.run_report import write_report

    print(f"wrote {write_report(arguments.run, arguments.output)}")
    return 0
