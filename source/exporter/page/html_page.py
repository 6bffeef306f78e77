"""The frame of a page and its tables: one style, by day and by night, and nothing loaded from elsewhere."""

import html
from collections.abc import Sequence

_STYLE = """
:root { color-scheme: light dark; --paper: #fcfcf9; --ink: #22272b; --soft: #646d75; --rule: #d9dcd6;
  --bar: #7fa99b; --inner: #2f6f5e; --point: #2f6f5e; --raised: #f1f3ee; }
@media (prefers-color-scheme: dark) { :root { --paper: #15191c; --ink: #e6e9e6; --soft: #9aa5ab; --rule: #333b40;
  --bar: #4d8373; --inner: #a5dcc8; --point: #a5dcc8; --raised: #1d2327; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2.5rem 0 .25rem; }
h3 { font-size: .95rem; margin: 1.5rem 0 .25rem; }
p { color: var(--soft); margin: .25rem 0 1rem; max-width: 46rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .85rem; }
th, td { padding: 0.45rem 0.6rem; text-align: right; border-bottom: 1px solid var(--rule); white-space: nowrap;
  font-variant-numeric: tabular-nums; }
th { color: var(--soft); font-weight: 600; vertical-align: bottom; white-space: normal; }
th.words, td.words { text-align: left; } tr.baseline td { background: var(--raised); }
table.pairs { width: auto; } table.pairs td + td { white-space: pre-wrap; overflow-wrap: anywhere; max-width: 52rem; }
details { margin: .5rem 0; } summary { cursor: pointer; }
pre { background: var(--raised); padding: 1rem; overflow-x: auto; font-size: .8rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(22rem, 1fr)); gap: 1rem 2rem; }
svg { display: block; width: 100%; max-width: 52rem; height: auto; font: 13px system-ui, sans-serif; }
.plots svg { font-size: 20px; }
svg .bar { fill: var(--bar); } svg .inner { fill: var(--inner); } svg text { fill: var(--ink); }
svg .value { font-variant-numeric: tabular-nums; } svg .end { text-anchor: end; } svg .middle { text-anchor: middle; }
svg .tick { fill: var(--soft); } svg .grid, svg .axis { stroke: var(--rule); }
svg .whisker { stroke: var(--soft); stroke-width: 1.5; } svg .median { stroke: var(--inner); stroke-width: 3; }
svg .point { fill: var(--point); } svg .number { font-weight: 600; }
svg .curve { fill: none; stroke: var(--bar); stroke-width: 2; stroke-linejoin: round; }
svg .curve.main { stroke: var(--inner); stroke-width: 3; }
"""


def html_page(title: str, parts: Sequence[str]) -> str:
    """Returns a whole page.

    Args:
        title: of the page, plain text.
        parts: its sections, HTML each.
    """
    shown = html.escape(title)
    head = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{shown}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{shown}</h1>",
    ]
    return "\n".join([*head, *parts, "</main>\n</body>\n</html>\n"])


def paragraph(text: str) -> str:
    """Returns a paragraph.

    Args:
        text: plain.
    """
    return f"<p>{html.escape(text)}</p>"


def html_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1, baseline: int | None = None
) -> str:
    """Returns a table that can be scrolled sideways where the page is narrow.

    Args:
        columns: their names.
        rows: cells of each row, plain text.
        words: how many columns from the left hold words; the others hold numbers, which stand right.
        baseline: place of a row that is marked; None marks none.
    """
    lines = ['<div class="wide"><table>', _row("th", columns, words)]
    lines += [_row("td", cells, words, place == baseline) for place, cells in enumerate(rows)]
    return "\n".join([*lines, "</table></div>"])


def pairs_table(pairs: Sequence[tuple[str, str]]) -> str:
    """Returns a table of names and values.

    Args:
        pairs: plain text each.
    """
    rows = [_row("td", pair, len(pair)) for pair in pairs]
    return "\n".join(['<div class="wide"><table class="pairs">', *rows, "</table></div>"])


def folded(summary: str, parts: Sequence[str]) -> str:
    """Returns parts that a reader unfolds.

    Args:
        summary: what stands there before, plain text.
        parts: HTML each.
    """
    return "\n".join(["<details>", f"<summary>{html.escape(summary)}</summary>", *parts, "</details>"])


def _row(tag: str, cells: Sequence[str], words: int, marked: bool = False) -> str:
    kinds = [' class="words"' if place < words else "" for place in range(len(cells))]
    inner = [f"<{tag}{kind}>{html.escape(cell)}</{tag}>" for kind, cell in zip(kinds, cells, strict=True)]
    mark = ' class="baseline"' if marked else ""
    return f"<tr{mark}>{''.join(inner)}</tr>"
