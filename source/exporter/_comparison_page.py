"""A comparison as one HTML page that loads nothing from elsewhere and is read by day and by night."""

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

from source.exporter import _plots

if TYPE_CHECKING:
    from source.exporter.comparison import Comparison

_STYLE = """
:root { color-scheme: light dark; --paper: #fcfcf9; --ink: #22272b; --soft: #646d75; --rule: #d9dcd6;
  --bar: #7fa99b; --inner: #2f6f5e; --point: #2f6f5e; --raised: #f1f3ee; }
@media (prefers-color-scheme: dark) { :root { --paper: #15191c; --ink: #e6e9e6; --soft: #9aa5ab; --rule: #333b40;
  --bar: #4d8373; --inner: #a5dcc8; --point: #a5dcc8; --raised: #1d2327; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2.5rem 0 .25rem; }
p { color: var(--soft); margin: .25rem 0 1rem; max-width: 46rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .85rem; }
th, td { padding: 0.45rem 0.6rem; text-align: right; border-bottom: 1px solid var(--rule); white-space: nowrap;
  font-variant-numeric: tabular-nums; }
th { color: var(--soft); font-weight: 600; vertical-align: bottom; white-space: normal; }
th:nth-child(2), td:nth-child(2), th:nth-child(3), td:nth-child(3) { text-align: left; }
tr.baseline td { background: var(--raised); }
svg { display: block; width: 100%; max-width: 52rem; height: auto; font: 13px system-ui, sans-serif; }
svg .bar { fill: var(--bar); } svg .inner { fill: var(--inner); } svg text { fill: var(--ink); }
svg .value { font-variant-numeric: tabular-nums; } svg .end { text-anchor: end; } svg .middle { text-anchor: middle; }
svg .tick { fill: var(--soft); } svg .grid, svg .axis { stroke: var(--rule); }
svg .whisker { stroke: var(--soft); stroke-width: 1.5; } svg .median { stroke: var(--inner); stroke-width: 3; }
svg .point { fill: var(--point); } svg .number { font-weight: 600; }
"""


def page(comparison: "Comparison", title: str) -> str:
    """Returns the page.

    Args:
        comparison: what it shows.
        title: of the page.
    """
    body = [f"<h1>{html.escape(title)}</h1>", f"<p>{html.escape(comparison.remark)}</p>", _table(comparison)]
    body += [*_bytes(comparison), *_accuracy(comparison), *_latency(comparison)]
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{html.escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>",
            *body,
            "</main>\n</body>\n</html>\n",
        ]
    )


def _table(comparison: "Comparison") -> str:
    columns, rows = comparison.cells()
    lines = ['<div class="wide"><table>', _row("th", ["#", *columns])]
    for place, cells in enumerate(rows):
        kind = ' class="baseline"' if place == comparison.baseline else ""
        lines.append(_row("td", [str(place + 1), *cells], kind))
    return "\n".join([*lines, "</table></div>"])


def _row(tag: str, cells: Sequence[str], kind: str = "") -> str:
    return f"<tr{kind}>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def _bytes(comparison: "Comparison") -> list[str]:
    rows = comparison.rows
    values = [(float(row.bytes), float(row.zipped_bytes)) for row in rows]
    texts = [_plots.size_text(row.bytes) for row in rows]
    plot = _plots.bars([row.name for row in rows], values, texts, "Bytes of each file, on disk and deflated")
    return ["<h2>Bytes</h2>", "<p>On disk; the narrow bar is the file after deflate.</p>", plot]


def _accuracy(comparison: "Comparison") -> list[str]:
    rows, measure, name = comparison.rows, "accuracy", "Accuracy"
    if any(row.accuracy is None for row in rows):
        measure, name = "agreement", "Agreement"
    shares = [getattr(row, measure) for row in rows]
    if any(share is None for share in shares):
        return []
    caption = f"{name} of each file against its bytes"
    plot = _plots.points([float(row.bytes) for row in rows], shares, ("bytes on disk", measure), caption)
    return [f"<h2>{name} and bytes</h2>", "<p>Numbers are those of the table; better is up and left.</p>", plot]


def _latency(comparison: "Comparison") -> list[str]:
    rows = comparison.rows
    samples = [[1000.0 * each for each in row.latency.network.seconds] for row in rows]
    texts = [f"{row.p50_ms:.3g} ms" for row in rows]
    plot = _plots.boxes([row.name for row in rows], samples, texts, "Milliseconds of single runs of each file")
    note = "Single runs, all files in turns: median, quartiles, and whiskers that leave out one run in a hundred."
    return ["<h2>Latency</h2>", f"<p>{note} {html.escape(comparison.runs_remark)}</p>", plot]
