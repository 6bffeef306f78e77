"""A comparison as one HTML page that loads nothing from elsewhere and is read by day and by night."""

import dataclasses
import html
from collections.abc import Sequence

from source.exporter import _plots


@dataclasses.dataclass(frozen=True)
class ShownFile:
    """What the plots show of a file.

    Attributes:
        name: of the file.
        bytes: on disk.
        zipped_bytes: after deflate.
        accuracy: share of examples; None if not known.
        agreement: share of examples; None if not known.
        milliseconds: of single runs.
        median: of these.
    """

    name: str
    bytes: int
    zipped_bytes: int
    accuracy: float | None
    agreement: float | None
    milliseconds: Sequence[float]
    median: float


@dataclasses.dataclass(frozen=True)
class Shown:
    """What the page says.

    Attributes:
        title: of the page.
        remark: what the numbers were found on.
        runs_remark: how latency was found.
        columns: names of the columns of the table.
        cells: of each row of it.
        baseline: place of the row that the others are compared with.
        files: one a row.
    """

    title: str
    remark: str
    runs_remark: str
    columns: Sequence[str]
    cells: Sequence[Sequence[str]]
    baseline: int
    files: Sequence[ShownFile]


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


def page(shown: Shown) -> str:
    """Returns the page.

    Args:
        shown: what it says.
    """
    title = html.escape(shown.title)
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>",
            f"<h1>{title}</h1>",
            f"<p>{html.escape(shown.remark)}</p>",
            _table(shown),
            *_bytes(shown.files),
            *_accuracy(shown.files),
            *_latency(shown.files, shown.runs_remark),
            "</main>\n</body>\n</html>\n",
        ]
    )


def _table(shown: Shown) -> str:
    lines = ['<div class="wide"><table>', _row("th", ["#", *shown.columns])]
    for place, cells in enumerate(shown.cells):
        kind = ' class="baseline"' if place == shown.baseline else ""
        lines.append(_row("td", [str(place + 1), *cells], kind))
    return "\n".join([*lines, "</table></div>"])


def _row(tag: str, cells: Sequence[str], kind: str = "") -> str:
    return f"<tr{kind}>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def _bytes(files: Sequence[ShownFile]) -> list[str]:
    values = [(float(file.bytes), float(file.zipped_bytes)) for file in files]
    texts = [_plots.size_text(file.bytes) for file in files]
    plot = _plots.bars([file.name for file in files], values, texts, "Bytes of each file, on disk and deflated")
    return ["<h2>Bytes</h2>", "<p>On disk; the narrow bar is the file after deflate.</p>", plot]


def _accuracy(files: Sequence[ShownFile]) -> list[str]:
    name, shares = "accuracy", [file.accuracy for file in files]
    if None in shares:
        name, shares = "agreement", [file.agreement for file in files]
    known = [share for share in shares if share is not None]
    if len(known) < len(files):
        return []
    caption = f"{name.capitalize()} of each file against its bytes"
    plot = _plots.points([float(file.bytes) for file in files], known, ("bytes on disk", name), caption)
    note = "Numbers are those of the table; better is up and left."
    return [f"<h2>{name.capitalize()} and bytes</h2>", f"<p>{note}</p>", plot]


def _latency(files: Sequence[ShownFile], remark: str) -> list[str]:
    samples = [file.milliseconds for file in files]
    texts = [f"{file.median:.3g} ms" for file in files]
    plot = _plots.boxes([file.name for file in files], samples, texts, "Milliseconds of single runs of each file")
    note = "Median, quartiles, and whiskers from the first to the last hundredth of the runs."
    return ["<h2>Latency</h2>", f"<p>{html.escape(remark)} {note}</p>", plot]
