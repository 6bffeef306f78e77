"""Draws the numbers of a number format and how it rounds, as an SVG or PNG picture.

python demo/plot_format.py mxfp4 mxfp4.svg
"""

import argparse
import os
import pathlib
import sys
import zlib
from collections.abc import Sequence
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

if __name__ == "__main__":  # read when TensorFlow is loaded: greet less
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

from source.command.mistakes import report_mistakes
from source.config.errors import ConfigError, DataError
from source.numeric import number_format
from source.numeric.format import ElementFormat, NumberFormat
from source.numeric.integer import AffineInteger

INK, BLUE = "#7c7c7c", "#3d85d9"  # about 4:1 on white and on a dark page alike
STYLE = {
    "svg.hashsalt": "espalier",  # the same format gives the same file
    "svg.fonttype": "none",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "path.simplify": False,
}
MOST_NUMBERS = 512
STEPS_SHOWN = 12  # on either side of zero, of formats that have more
SAMPLES = 1 << 14
MEAN_RANGE = 2.0 * (1 - 1 / SAMPLES)  # of which samples on either side of zero have the mean one


class Grid(NamedTuple):
    """What a picture shows.

    Attributes:
        numbers: of the format, ascending.
        x: what is rounded, only the two ends of each step.
        rounded: what becomes of it.
        title: what is said of the numbers below them.
    """

    numbers: np.ndarray
    x: np.ndarray
    rounded: np.ndarray
    title: str


def make_grid(chosen: NumberFormat, low: float | None = None, high: float | None = None) -> Grid:
    """Returns the numbers of a format, and how it rounds from `low` to `high`; without, around zero."""
    if chosen.bits > 9 or (numbers := chosen.values()).size > MOST_NUMBERS:
        raise DataError(f"A picture shows at most {MOST_NUMBERS} numbers. `{chosen}` has codes of {chosen.bits} bits.")
    if isinstance(chosen, AffineInteger):
        numbers = numbers - numbers.size // 4  # as if a quarter of the numbers were negative
    alone = isinstance(chosen, ElementFormat)
    x = spread(low, high, *window(numbers, beyond=alone))
    rounded = round_in_full_range(chosen, x, numbers)
    if alone or np.isin(rounded, numbers).all():
        return Grid(numbers, *step_ends(x, rounded), "" if alone else " at scale 1")
    # The scale is no maximum but a mean, say, so it depends on all that is rounded.
    x = spread(low, high, -MEAN_RANGE, MEAN_RANGE)
    rounded = np.asarray(chosen.round(x[:, np.newaxis]))[:, 0]  # one channel
    return Grid(np.unique(rounded), *step_ends(x, rounded), "")


def spread(low: float | None, high: float | None, first: float, last: float) -> np.ndarray:
    """Returns numbers spread evenly from `low` to `high`, or where these are missing, from `first` to `last`."""
    low, high = first if low is None else low, last if high is None else high
    if not low < high:
        raise ConfigError(f"`--low` must be below `--high`. Received: {low:g} and {high:g}.")
    return np.linspace(low, high, SAMPLES, dtype=np.float32)


def window(numbers: np.ndarray, beyond: bool) -> tuple[float, float]:
    """Returns the ends of the range that is drawn."""
    zero = int(np.searchsorted(numbers, 0.0))
    low, high = numbers[max(0, zero - STEPS_SHOWN)], numbers[min(numbers.size - 1, zero + STEPS_SHOWN)]
    margin = 0.1 * (high - low) if beyond else 0.0  # beyond the ends, blocks would have another scale
    return float(low - margin), float(high + margin)


def round_in_full_range(chosen: NumberFormat, x: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Returns x rounded, each in the company of the ends of the format, which give scales of one."""
    ends = np.broadcast_to(numbers[[0, -1]], (x.size, 2))
    company = np.column_stack([x, ends])
    by_row = getattr(chosen, "group", None) == "channel"
    seed = 0 if chosen.rounding == "stochastic" else None
    return np.asarray(chosen.round(company, axis=0 if by_row else -1, seed=seed))[:, 0]


def step_ends(x: np.ndarray, rounded: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the first and the last point of each step."""
    changes = rounded[1:] != rounded[:-1]
    kept = np.append(True, changes) | np.append(changes, True)
    return x[kept], rounded[kept]


def draw(chosen: NumberFormat, grid: Grid, picture: pathlib.Path) -> None:
    """Draws the numbers on a line, their magnitudes on a logarithmic one, and the staircase of rounding."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.1), layout="constrained")
        magnitudes = np.unique(np.abs(grid.numbers[grid.numbers != 0]))
        figure.get_layout_engine().set(w_pad=0.1, h_pad=0.06)
        left, right = figure.subfigures(1, 2, wspace=0.04)
        lines = left.subplots(2 if magnitudes.size > 1 else 1, 1, squeeze=False)[:, 0]
        draw_line(lines[0], grid.numbers, f"numbers{grid.title}")
        lines[0].locator_params(axis="x", nbins=5)
        if magnitudes.size > 1:
            lines[1].set_xscale("log", base=2)
            draw_line(lines[1], magnitudes, f"magnitudes{grid.title}, logarithmic")
            lines[1].set_xticks(powers_within(magnitudes))
        draw_steps(right.subplots(), grid)
        figure.suptitle(str(chosen), fontsize=9)
        picture.parent.mkdir(parents=True, exist_ok=True)
        metadata = {"Description": describe(chosen, grid)}
        figure.savefig(picture, transparent=True, dpi=150, metadata=metadata | no_date(picture))


def draw_line(axes: Axes, numbers: np.ndarray, name: str) -> None:
    """Draws a tick for each number."""
    gap = np.full_like(numbers, np.nan)
    ticks = np.column_stack([numbers, numbers, gap]).reshape(-1)
    width = 0.8 if numbers.size < 200 else 0.6
    axes.plot(ticks, np.tile([0.0, 1.0, np.nan], numbers.size), color=BLUE, linewidth=width)
    axes.set(xlabel=name, yticks=[], ylim=(0, 1.3))
    axes.spines[["left", "right", "top"]].set_visible(False)


def powers_within(magnitudes: np.ndarray) -> np.ndarray:
    """Returns at most nine powers of two between the smallest and the largest number, evenly apart."""
    low, high = np.ceil(np.log2(magnitudes[0])), np.floor(np.log2(magnitudes[-1]))
    apart = 1
    while (exponents := np.arange(np.ceil(low / apart), high // apart + 1) * apart).size > 9:
        apart *= 2
    return np.exp2(exponents)


def draw_steps(axes: Axes, grid: Grid) -> None:
    """Draws what x becomes, and x itself to compare."""
    ends = grid.x[[0, -1]]
    axes.plot(ends, ends, color=INK, linewidth=0.7, linestyle=(0, (4, 3)), label="x")
    axes.plot(grid.x, grid.rounded, color=BLUE, linewidth=1.2, label="round(x)")
    axes.set(xlabel="x", ylabel="round(x)")
    axes.locator_params(nbins=5)
    axes.spines[["right", "top"]].set_visible(False)
    axes.legend(frameon=False, loc="upper left")


def describe(chosen: NumberFormat, grid: Grid) -> str:
    """Returns the format's name and a sum over all that is drawn, by which a picture that is out of date is known."""
    drawn = b"".join(np.asarray(part, "<f4").tobytes() for part in grid[:3])
    return f"{chosen} {zlib.crc32(drawn):08x}"


def no_date(picture: pathlib.Path) -> dict[str, None]:
    """Returns what keeps the day and the version of the drawing program out of an SVG."""
    return {"Date": None, "Creator": None} if picture.suffix == ".svg" else {}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("format", help="name of a number format of at most 9 bits, such as mxfp4")
    parser.add_argument("picture", type=pathlib.Path, help="file to write, .svg or .png")
    parser.add_argument("--low", type=float, help="where rounding is drawn from")
    parser.add_argument("--high", type=float, help="and to")
    given = parser.parse_args(arguments)
    chosen = number_format(given.format)
    draw(chosen, make_grid(chosen, given.low, given.high), given.picture)
    print(f"Wrote {given.picture}.")
    return 0


if __name__ == "__main__":
    sys.exit(report_mistakes("plot_format.py", main))
