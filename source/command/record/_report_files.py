"""The files of a run in its report: models, exported files with their verification, checkpoints."""

import json
import pathlib
from collections.abc import Iterator
from typing import Any

from source.command.record.run_folder import mapping
from source.command.record.run_summary import finite
from source.exporter.page.html_page import html_table, paragraph
from source.exporter.page.sizes import size_text

_REPORT = ".report.json"
_MODELS = (".keras", ".tflite", ".onnx", ".esp", ".npz", ".h", ".c", ".safetensors")


def files_section(folder: pathlib.Path) -> list[str]:
    """Returns a row for each model and each exported file, and the checkpoints; nothing without any.

    Args:
        folder: of the run.
    """
    rows, notes = [], []
    for path in sorted({*_models(folder), *_reported(folder)}):
        report = _report_of(path)
        name = path.relative_to(folder).as_posix()
        rows.append([name, *_cells(report), f"{_size(path):,}", size_text(_size(path))])
        notes += [f"{name}: {note}" for note in _list(report.get("notes"))]
    checkpoints = sorted((folder / "checkpoints").glob("*.npz"))
    if checkpoints:
        size = sum(map(_size, checkpoints))
        rows.append([f"checkpoints/ ({len(checkpoints)})", "", "", "", f"{size:,}", size_text(size)])
    if not rows:
        return []
    columns = ("file", "exporter", "differs from the model", "verified on", "bytes", "size")
    return ["<h2>Files</h2>", html_table(columns, rows, words=4), *map(paragraph, notes)]


def _models(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yields the models in the folder itself, and the files and SavedModels below `export`."""
    yield from (path for path in folder.glob("*") if path.suffix in _MODELS and path.is_file())
    for path in (folder / "export").rglob("*"):
        if path.name == "saved_model.pb":
            yield path.parent
        elif path.suffix in _MODELS and path.is_file() and not _in_saved_model(path, folder):
            yield path


def _reported(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    for report in (*folder.glob(f"*{_REPORT}"), *(folder / "export").rglob(f"*{_REPORT}")):
        path = report.with_name(report.name.removesuffix(_REPORT))
        if path.exists():
            yield path


def _in_saved_model(path: pathlib.Path, folder: pathlib.Path) -> bool:
    return any((folder / parent / "saved_model.pb").is_file() for parent in path.relative_to(folder).parents)


def _report_of(path: pathlib.Path) -> dict[str, Any]:
    try:
        return mapping(json.loads(path.with_name(path.name + _REPORT).read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError):
        return {}


def _cells(report: dict[str, Any]) -> list[str]:
    """Returns exporter, difference and examples of a verified file."""
    if not report:
        return ["", "", ""]
    found = [finite(mapping(each).get("relative")) for each in _list(report.get("outputs"))]
    shares = [share for share in found if share is not None]
    tolerance = finite(report.get("tolerance"))
    verdict = "" if report.get("accepted", True) else ", rejected"
    limit = "" if tolerance is None else f" (at most {tolerance:.2e})"
    difference = f"by {max(shares):.2e} of the range{limit}{verdict}" if shares else verdict.strip(", ")
    kind = "given" if report.get("real_examples") else "random"
    return [str(report.get("exporter", "")), difference, f"{report.get('examples', '?')} {kind} inputs"]


def _size(path: pathlib.Path) -> int:
    try:
        if path.is_dir():
            return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        return path.stat().st_size
    except OSError:
        return 0


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
