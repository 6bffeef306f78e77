"""Small plots as SVG text, drawn with the colours of the page that they stand in."""

import math
from collections.abc import Sequence

import numpy as np

from source.exporter.page import _svg
from source.exporter.page.sizes import size_text

_LABELS = 210  # left of it stand names
_RIGHT = 110  # right of the longest bar stands its number
_ROW = 34
_LETTERS = 28
_APART = 16


def bars(names: Sequence[str], values: Sequence[tuple[float, float]], texts: Sequence[str], caption: str) -> str:
    """Returns horizontal bars, each a long one with a shorter one inside.

    Args:
        names: of the bars, from above.
        values: length of the long and of the short one, at least 0.
        texts: right of the bars.
        caption: what the plot shows, for those who cannot see it.
    """
    longest = max((max(pair) for pair in values), default=0.0) or 1.0
    scale = (_svg.WIDTH - _LABELS - _RIGHT) / longest
    parts = []
    for place, (name, (whole, part), text) in enumerate(zip(names, values, texts, strict=True)):
        top = place * _ROW + 4
        parts += [_name(name, top + 17), _bar("bar", top, 26, whole * scale), _bar("inner", top + 14, 8, part * scale)]
        parts.append(_svg.text("value", _LABELS + max(whole, part) * scale + 8, top + 17, text))
    return _svg.svg(len(names) * _ROW + 8, caption, parts)


def boxes(names: Sequence[str], samples: Sequence[Sequence[float]], texts: Sequence[str], caption: str) -> str:
    """Returns horizontal boxes of quartiles with the median and whiskers from p1 to p99, over a logarithmic axis.

    Args:
        names: of the boxes, from above.
        samples: positive milliseconds of each.
        texts: right of the boxes.
        caption: what the plot shows, for those who cannot see it.
    """
    marks = [np.maximum(np.percentile(np.asarray(each, float), [1, 25, 50, 75, 99]), 1e-4) for each in samples]
    ticks = _svg.decades([float(mark) for each in marks for mark in (each[0], each[-1])])
    low, high = math.log10(ticks[0]), math.log10(ticks[-1])
    bottom = len(names) * _ROW + 4

    def across(x: float) -> float:
        return _LABELS + (math.log10(x) - low) / (high - low) * (_svg.WIDTH - _LABELS - _RIGHT)

    parts = []
    for tick in ticks:
        parts += [_svg.line("grid", across(tick), 0, across(tick), bottom)]
        parts.append(_svg.text("tick middle", across(tick), bottom + 16, f"{tick:g} ms"))
    for place, (name, quantiles, text) in enumerate(zip(names, marks, texts, strict=True)):
        least, first, median, third, most = (across(float(each)) for each in quantiles)
        top = place * _ROW + 4
        parts += [_name(name, top + 17), _svg.line("whisker", least, top + 13, most, top + 13)]
        width = max(2.0, third - first)
        parts.append(f'<rect class="bar" x="{first:.1f}" y="{top + 3}" width="{width:.1f}" height="20" rx="2"/>')
        parts += [_svg.line("median", median, top, median, top + 26), _svg.text("value", most + 8, top + 17, text)]
    return _svg.svg(bottom + 24, caption, parts)


def points(xs: Sequence[float], ys: Sequence[float], labels: tuple[str, str], caption: str) -> str:
    """Returns numbered points over a logarithmic x axis.

    Args:
        xs: positive.
        ys: shares, in [0, 1].
        labels: of the axes.
        caption: what the plot shows, for those who cannot see it.
    """
    left, right, top, bottom = 84, _svg.WIDTH - 30, 26, 260
    x_ticks, y_ticks = _svg.decades(xs), _steps(ys)
    low, high = math.log10(x_ticks[0]), math.log10(x_ticks[-1])
    parts = []

    def across(x: float) -> float:
        return left + (math.log10(x) - low) / (high - low) * (right - left)

    def up(y: float) -> float:
        return bottom - (y - y_ticks[0]) / (y_ticks[-1] - y_ticks[0]) * (bottom - top)

    for tick in x_ticks:
        parts += [_svg.line("grid", across(tick), top, across(tick), bottom)]
        parts.append(_svg.text("tick middle", across(tick), bottom + 18, size_text(tick)))
    for tick in y_ticks:
        parts += [_svg.line("grid", left, up(tick), right, up(tick))]
        parts.append(
            _svg.text("tick end", left - 8, up(tick) + 4, f"{tick:.{2 if y_ticks[1] - y_ticks[0] < 1e-3 else 1}%}")
        )
    places = [(across(x), up(y)) for x, y in zip(xs, ys, strict=True)]
    parts += [f'<circle class="point" cx="{x:.1f}" cy="{y:.1f}" r="5"/>' for x, y in places]
    parts += [_svg.text("number middle", x, y - 11, label) for x, y, label in _labelled(places)]
    parts.append(_svg.text("tick middle", (left + right) / 2, bottom + 40, labels[0]))
    parts.append(
        _svg.text("tick middle", 12, (top + bottom) / 2, labels[1], f'transform="rotate(-90 12 {(top + bottom) / 2})"')
    )
    return _svg.svg(bottom + 50, caption, parts)


def _labelled(places: Sequence[tuple[float, float]]) -> list[tuple[float, float, str]]:
    """Returns the numbers of the points at their places, in one label where they would cover each other."""
    labels: list[tuple[float, float, str]] = []
    for number, (x, y) in enumerate(places, start=1):
        for place, (other_x, other_y, text) in enumerate(labels):
            if abs(x - other_x) < _APART and abs(y - other_y) < _APART:
                labels[place] = (other_x, min(y, other_y), f"{text}, {number}")
                break
        else:
            labels.append((x, y, str(number)))
    return labels


def _steps(ys: Sequence[float]) -> list[float]:
    """Returns up to eight equal steps about all shares."""
    spread = max(max(ys) - min(ys), 1e-3)
    step = next(step for step in (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2) if spread / step <= 5.5)
    first, last = math.floor(min(ys) / step - 0.3), math.ceil(max(ys) / step + 0.3)
    return [each * step for each in range(max(0, first), min(round(1 / step), last) + 1)]


def _name(name: str, y: float) -> str:
    short = name if len(name) <= _LETTERS else f"{name[: _LETTERS // 2 - 1]}…{name[-_LETTERS // 2 :]}"
    return _svg.text("name end", _LABELS - 10, y, short)


def _bar(kind: str, top: float, height: float, length: float) -> str:
    return f'<rect class="{kind}" x="{_LABELS}" y="{top}" width="{max(1.0, length):.1f}" height="{height}" rx="2"/>'
