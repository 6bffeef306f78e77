"""A comparison as one HTML page that loads nothing from elsewhere and is read by day and by night."""

import dataclasses
from collections.abc import Sequence

from source.exporter.page import plots
from source.exporter.page.html_page import html_page, html_table, paragraph
from source.exporter.page.sizes import size_text


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


def page(shown: Shown) -> str:
    """Returns the page.

    Args:
        shown: what it says.
    """
    numbered = [[str(place + 1), *cells] for place, cells in enumerate(shown.cells)]
    return html_page(
        shown.title,
        [
            paragraph(shown.remark),
            html_table(["#", *shown.columns], numbered, words=3, baseline=shown.baseline),
            *_bytes(shown.files),
            *_accuracy(shown.files),
            *_latency(shown.files, shown.runs_remark),
        ],
    )


def _bytes(files: Sequence[ShownFile]) -> list[str]:
    values = [(float(file.bytes), float(file.zipped_bytes)) for file in files]
    texts = [size_text(file.bytes) for file in files]
    plot = plots.bars([file.name for file in files], values, texts, "Bytes of each file, on disk and deflated")
    return ["<h2>Bytes</h2>", "<p>On disk; the narrow bar is the file after deflate.</p>", plot]


def _accuracy(files: Sequence[ShownFile]) -> list[str]:
    name, shares = "accuracy", [file.accuracy for file in files]
    if None in shares:
        name, shares = "agreement", [file.agreement for file in files]
    known = [share for share in shares if share is not None]
    if len(known) < len(files):
        return []
    caption = f"{name.capitalize()} of each file against its bytes"
    plot = plots.points([float(file.bytes) for file in files], known, ("bytes on disk", name), caption)
    note = "Numbers are those of the table; better is up and left."
    return [f"<h2>{name.capitalize()} and bytes</h2>", f"<p>{note}</p>", plot]


def _latency(files: Sequence[ShownFile], remark: str) -> list[str]:
    samples = [file.milliseconds for file in files]
    texts = [f"{file.median:.3g} ms" for file in files]
    plot = plots.boxes([file.name for file in files], samples, texts, "Milliseconds of single runs of each file")
    note = "Median, quartiles, and whiskers from the first to the last hundredth of the runs."
    return ["<h2>Latency</h2>", paragraph(f"{remark} {note}"), plot]
