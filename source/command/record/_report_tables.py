"""Tables of a run's report: what compression has come to, and what evaluations found."""

import csv
import html
import json
import math
import pathlib
from typing import Any

from source.command.record.run_folder import RunFolder, mapping
from source.command.record.run_summary import finite
from source.exporter.page.html_page import folded, html_table, pairs_table, paragraph
from source.exporter.page.plots import bars
from source.exporter.page.sizes import size_text

_PLACES = ("kind", "first_step", "examples_per_second")
_ROWS = 50  # of a table; the last ones where there are more
_BARS = 60
_FLOAT_BYTES = 4
_COLUMNS = ("layer", "weight", "how", "shape", "numbers", "kept", "density", "bits", "bytes", "SQNR dB")


def compression_section(report: dict[str, Any]) -> list[str]:
    """Returns totals, bytes of each weight, and a row for each; nothing without a report.

    Args:
        report: of `compression.json`.
    """
    rows = report.get("rows")
    weights = [row for row in map(mapping, rows) if row.get("compressed")] if isinstance(rows, list) else []
    if not weights and not mapping(report.get("totals")):
        return []
    left = [row for row in map(mapping, rows) if row and not row.get("compressed")] if isinstance(rows, list) else []
    parts = ["<h2>Compression</h2>", _totals(mapping(report.get("totals")))]
    if weights:
        parts += [*_bytes_of(weights), html_table(_COLUMNS, [_weight_row(row) for row in weights], words=3)]
    if left:
        pairs = [(f"{row.get('layer')} {row.get('weight')}", str(row.get("how", ""))) for row in left]
        parts.append(folded(f"{len(left)} weights that are not compressed", [pairs_table(pairs)]))
    activations = mapping(report.get("activations"))
    if activations:
        pairs = [(str(place), str(what)) for place, what in activations.items()]
        parts.append(folded(f"{len(pairs)} activations that are rounded", [pairs_table(pairs)]))
    notes = report.get("notes")
    return [*parts, *(paragraph(str(note)) for note in (notes if isinstance(notes, list) else ()))]


def evaluation_section(run: RunFolder) -> list[str]:
    """Returns the evaluations of training, and the files of the folder `evaluate`; nothing without any.

    Args:
        run: its folder, read.
    """
    measured = [record for record in run.records if record.get("kind") == "evaluate"]
    parts = []
    if measured:
        names = [name for name in dict.fromkeys(name for record in measured for name in record) if name not in _PLACES]
        rows = [[_cell(record.get(name)) for name in names] for record in measured[-_ROWS:]]
        parts.append(html_table(names, rows, words=0))
        if len(measured) > _ROWS:
            parts.append(paragraph(f"The last {_ROWS} of {len(measured):,} evaluations."))
    for file in sorted((run.path / "evaluate").rglob("*")):
        parts += _evaluation_file(file, file.relative_to(run.path).as_posix())
    return ["<h2>Evaluations</h2>", *parts] if parts else []


def _totals(totals: dict[str, Any]) -> str:
    stored, plain = finite(totals.get("bytes")), finite(totals.get("float32_bytes"))
    if stored is None or plain is None:
        return paragraph("There are no totals in the report.")
    kept, numbers = finite(totals.get("kept")) or 0.0, finite(totals.get("numbers")) or 0.0
    return paragraph(
        f"{kept:,.0f} of {numbers:,.0f} weights are kept ({1 - kept / max(1.0, numbers):.2%} are zero), "
        f"{8 * stored / max(1.0, numbers):.3f} bits each: {stored:,.0f} bytes of codes, scales and index, "
        f"{plain / max(1.0, stored):.2f} times fewer than the {plain:,.0f} of float32."
    )


def _bytes_of(weights: list[dict[str, Any]]) -> list[str]:
    shown = weights[:_BARS]
    values = [(_FLOAT_BYTES * float(_numbers(row)), finite(row.get("bytes")) or 0.0) for row in shown]
    texts = [size_text(part) for _, part in values]
    names = [f"{row.get('layer')} {row.get('weight')}" for row in shown]
    note = "Bytes of each compressed weight as float32, and, narrow, as it is now."
    return [paragraph(note), bars(names, values, texts, note)]


def _weight_row(row: dict[str, Any]) -> list[str]:
    numbers, kept = _numbers(row), finite(row.get("kept"))
    shape = row.get("shape")
    return [
        *(str(row.get(name, "")) for name in ("layer", "weight", "how")),
        " x ".join(map(str, shape)) if isinstance(shape, list) else "",
        f"{numbers:,}",
        "" if kept is None else f"{kept:,.0f}",
        "" if kept is None else f"{kept / max(1, numbers):.2%}",
        *(_cell(row.get(name)) for name in ("bits", "bytes", "sqnr_db")),
    ]


def _numbers(row: dict[str, Any]) -> int:
    shape = row.get("shape")
    return math.prod(each for each in shape if isinstance(each, int)) if isinstance(shape, list) else 0


def _evaluation_file(file: pathlib.Path, name: str) -> list[str]:
    """Returns what a file says; nothing of one that is none of JSON and CSV."""
    try:
        if file.suffix == ".csv" and file.is_file():
            with file.open(encoding="utf-8", newline="") as stream:
                rows = [row for row in csv.reader(stream) if row]
            width = len(rows[0]) if rows else 0
            even = [[*row, *[""] * width][:width] for row in rows]
            return [f"<h3>{html.escape(name)}</h3>", html_table(even[0], even[1:][-_ROWS:])] if even else []
        if file.suffix == ".json" and file.is_file():
            pairs = list(_flat(json.loads(file.read_text(encoding="utf-8"))))[: 4 * _ROWS]
            return [f"<h3>{html.escape(name)}</h3>", pairs_table(pairs)] if pairs else []
    except (OSError, ValueError, csv.Error, RecursionError) as error:
        return [paragraph(f"{name} cannot be read: {error}")]
    return []


def _flat(value: Any, path: str = "") -> list[tuple[str, str]]:
    """Returns the numbers and texts of nested mappings by their path; a list counts as one text."""
    if isinstance(value, dict):
        return [pair for name, inner in value.items() for pair in _flat(inner, f"{path}.{name}" if path else str(name))]
    text = _cell(value) if not isinstance(value, list) else json.dumps(value)
    return [(path or "value", text if len(text) <= 300 else f"{text[:300]}…")]


def _cell(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "" if value is None else str(value)
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) < 1e15 else f"{value:.6g}"
