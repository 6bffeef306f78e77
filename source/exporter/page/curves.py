"""Curves over steps as SVG text, drawn with the colours of the page that they stand in."""

import dataclasses
import math
from collections.abc import Callable, Sequence

from source.exporter.page import _svg

_LEFT, _RIGHT, _TOP, _BOTTOM = 96, _svg.WIDTH - 40, 44, 330
_LETTER = 22  # height of a line of text in the size of the plots of a page
_MOST = 240  # parts of a long curve, of which each gives its least and its largest value
_WIDE = 30.0  # largest over least value, from which on an axis is logarithmic


@dataclasses.dataclass(frozen=True)
class Curve:
    """One curve.

    Attributes:
        name: in the legend.
        points: x and y in the order of x; None where there is no number, which parts the curve.
        main: drawn stronger.
    """

    name: str
    points: Sequence[tuple[float, float | None]]
    main: bool = False


def curves(title: str, drawn: Sequence[Curve], across: str) -> str:
    """Returns a picture of curves; the y axis is logarithmic where all numbers are positive and far apart.

    Args:
        title: what is drawn.
        drawn: at least one with a number.
        across: what the x axis is.
    """
    places = [(x, y) for curve in drawn for x, y in curve.points if y is not None]
    ys = [y for _, y in places]
    logarithmic = min(ys) > 1e-15 and max(ys) < 1e15 and max(ys) / min(ys) > _WIDE
    y_ticks = _svg.decades(ys) if logarithmic else _even(min(ys), max(ys))
    x_ticks = _even(min(x for x, _ in places), max(x for x, _ in places), whole=True)
    right = _scale(x_ticks[0], x_ticks[-1], _LEFT, _RIGHT)
    up = _scale(y_ticks[0], y_ticks[-1], _BOTTOM, _TOP, math.log10 if logarithmic else float)
    parts = []
    last = math.inf
    for tick in y_ticks:
        parts += [_svg.line("grid", _LEFT, up(tick), _RIGHT, up(tick))]
        if last - up(tick) >= _LETTER:  # the outermost ticks of a logarithmic axis may stand close to the next
            last = up(tick)
            parts.append(_svg.text("tick end", _LEFT - 8, last + 7, f"{tick:.6g}"))
    for tick in x_ticks:
        parts.append(_svg.text("tick middle", right(tick), _BOTTOM + 28, f"{tick:,.10g}"))
    for curve in drawn:
        parts += _paths(curve, right, up)
    parts += [_svg.text("number", _LEFT, 22, title), *_legend(drawn)]
    parts.append(_svg.text("tick middle", (_LEFT + _RIGHT) / 2, _BOTTOM + 54, across))
    return _svg.svg(_BOTTOM + 62, f"{title} over {across}", parts)


def thinned(points: Sequence[tuple[float, float | None]], most: int = _MOST) -> list[tuple[float, float | None]]:
    """Returns fewer points of the same shape: of each part of a long curve, the least and the largest value.

    Args:
        points: x and y in the order of x.
        most: parts.
    """
    if len(points) <= 2 * most:
        return list(points)
    kept: list[tuple[float, float | None]] = []
    for part in range(most):
        some = points[part * len(points) // most : (part + 1) * len(points) // most]
        known = [(y, place) for place, (_, y) in enumerate(some) if y is not None]
        places = sorted({min(known)[1], max(known)[1]}) if known else [0]
        kept += [some[place] for place in places]
    return kept if kept[-1] == points[-1] else [*kept, points[-1]]


def _paths(curve: Curve, right: Callable[[float], float], up: Callable[[float], float]) -> list[str]:
    """Returns a line for each stretch of numbers; a point alone becomes a dot."""
    kind = "curve main" if curve.main else "curve"
    stretches: list[list[str]] = [[]]
    for x, y in thinned(curve.points):
        if y is None:
            stretches.append([])
        else:
            stretches[-1].append(f"{right(x):.1f},{up(y):.1f}")
    parts = []
    for stretch in filter(None, stretches):
        if len(stretch) == 1:
            x_text, y_text = stretch[0].split(",")
            parts.append(f'<circle class="point" cx="{x_text}" cy="{y_text}" r="4"/>')
        else:
            parts.append(f'<polyline class="{kind}" points="{" ".join(stretch)}"/>')
    return parts


def _legend(drawn: Sequence[Curve]) -> list[str]:
    """Returns names from the right, each behind a piece of its line; nothing for a curve alone."""
    parts, end = [], float(_RIGHT)
    for curve in reversed(drawn) if len(drawn) > 1 else ():
        parts.append(_svg.text("tick end", end, 22, curve.name))
        end -= 11 * len(curve.name) + 8  # letters are about 11 wide in the size of the plots of a page
        parts.append(_svg.line("curve main" if curve.main else "curve", end - 28, 16, end, 16))
        end -= 48
    return parts


def _scale(
    low: float, high: float, start: float, end: float, measure: Callable[[float], float] = float
) -> Callable[[float], float]:
    first, span = measure(low), measure(high) - measure(low)
    return lambda value: start + (measure(value) - first) / span * (end - start)


def _even(low: float, high: float, whole: bool = False) -> list[float]:
    """Returns four to eight ticks about the numbers, at 1, 2 or 5 times a power of ten."""
    if low == high:
        low, high = low - (abs(low) / 20 or 0.5), high + (abs(high) / 20 or 0.5)
    spread = high - low
    power = 10.0 ** math.floor(math.log10(spread / 4))
    step = next(power * digit for digit in (1, 2, 5, 10) if spread / (power * digit) <= 7)
    if whole:
        step = max(1.0, step)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [place * step for place in range(first, max(last, first + 1) + 1)]
