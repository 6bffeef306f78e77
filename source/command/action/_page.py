"""Keeps `report.html` of a run up to date with what actions do to it."""

from pathlib import Path

from source.command.record.run_folder import is_run
from source.config.errors import DataError


def refresh(folder: Path, say: bool = False) -> None:
    """Writes the page anew; a folder that is no run gets none, and a page that cannot be written stops nothing.

    Args:
        folder: of the run.
        say: whether to print where it is.
    """
    if not (folder.is_dir() and is_run(folder)):
        return
    from source.command.record.run_report import REPORT, write_report  # and with it NumPy

    try:
        path = write_report(folder)
    except DataError as error:
        print(f"There is no {REPORT}. {error}")
        return
    if say:
        print(f"wrote {path}")
