"""Elements of SVG as text; their colours are those of the page that they stand in."""

import html
import math
from collections.abc import Sequence

WIDTH = 720


def svg(height: float, caption: str, parts: Sequence[str]) -> str:
    """Returns a picture of `WIDTH`, with a caption for those who cannot see it."""
    head = f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{html.escape(caption, quote=True)}">'
    return "\n".join([head, *parts, "</svg>"])


def line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    """Returns a straight line."""
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def text(kind: str, x: float, y: float, words: str, more: str = "") -> str:
    """Returns a text at a place; `more` are further attributes."""
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" {more}>{html.escape(words)}</text>'


def decades(xs: Sequence[float]) -> list[float]:
    """Returns ticks of 1, 2 and 5 times powers of ten about all numbers, which are in [1e-15, 5e15]."""
    every = [digit * 10.0**power for power in range(-15, 16) for digit in (1, 2, 5)]
    first = max((place for place, tick in enumerate(every) if tick < min(xs)), default=0)
    last = min((place for place, tick in enumerate(every) if tick > max(xs)), default=len(every) - 1)
    ticks = every[first : last + 1]
    whole = [tick for tick in ticks[1:-1] if round(math.log10(tick), 6).is_integer()]
    return ticks if len(ticks) <= 9 else [ticks[0], *whole, ticks[-1]]
