"""`report.html` of a run: its state, curves, compression, evaluations, exported files and settings on one page."""

import os
import pathlib

from source.command.record import _report_files, _report_settings
from source.command.record._report_curves import curve_section
from source.command.record._report_tables import compression_section, evaluation_section
from source.command.record.run_folder import RunFolder, is_run, read_run
from source.command.record.run_summary import RunSummary, summarize
from source.config.errors import DataError
from source.exporter.page.html_page import html_page, pairs_table, paragraph
from source.exporter.page.sizes import size_text

REPORT = "report.html"


def write_report(folder: str | os.PathLike[str], path: str | os.PathLike[str] | None = None) -> pathlib.Path:
    """Writes the page and returns its path; a page that is there is replaced at once.

    Args:
        folder: of the run. What is missing in it is left out of the page; what is damaged is named on it.
        path: of the page; default: `report.html` in the folder.

    Raises:
        DataError: if there is no run in the folder, or the page cannot be written.
    """
    place = pathlib.Path(folder)
    if not place.is_dir():
        raise DataError(f"{place}: there is no such folder.")
    if not is_run(place):
        raise DataError(f"{place}: expected the folder of a run, with run.json or metrics.jsonl in it.")
    target = place / REPORT if path is None else pathlib.Path(path)
    written = target.with_name(f"{target.name}.tmp")
    try:
        written.write_text(report_html(read_run(place)), encoding="utf-8", errors="replace")
        written.replace(target)
    except OSError as error:
        raise DataError(f"{target} cannot be written: {error.strerror or error}.") from error
    return target


def report_html(run: RunFolder) -> str:
    """Returns the page, which loads nothing from elsewhere.

    Args:
        run: its folder, read.
    """
    summary = summarize(run)
    return html_page(
        summary.name or run.id,
        [
            paragraph(_sentence(summary)),
            pairs_table(_facts(run, summary)),
            *curve_section(run.records),
            *compression_section(run.compression),
            *evaluation_section(run),
            *_report_files.files_section(run.path),
            *_report_settings.settings_section(run),
            *_faults(run),
        ],
    )


def _sentence(summary: RunSummary) -> str:
    what = " on ".join(filter(None, (summary.network, summary.data)))
    by = f", compressed by {summary.compressor}" if summary.compressor else ""
    reason = f": {summary.reason}" if summary.reason else ""
    return f"{what or 'A run'}{by}. {summary.state_text.capitalize()}{reason}."


def _facts(run: RunFolder, summary: RunSummary) -> list[tuple[str, str]]:
    """Returns what is asked first."""
    of_all = f" of {summary.max_step:,}" if summary.max_step else ""
    facts = [("run", run.id), ("state", summary.state), ("steps", f"{summary.step:,}{of_all}")]
    facts += [(name, str(run.outcome[name])) for name in ("started", "changed") if run.outcome.get(name)]
    if summary.best is not None and summary.last is not None:
        where = "in training" if summary.kind == "train" else "in evaluation"
        facts += [(f"best {summary.metric}", f"{summary.best:.6g} {where}")]
        facts += [(f"last {summary.metric}", f"{summary.last:.6g} {where}")]
    facts.append(("files", size_text(run.bytes)))
    return facts


def _faults(run: RunFolder) -> list[str]:
    if not run.faults:
        return []
    return ["<h2>What could not be read</h2>", *(paragraph(fault) for fault in run.faults)]
