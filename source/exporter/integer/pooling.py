"""Operations that make one number of a window: the largest, or the mean."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from source.exporter.integer._operation import Operation, Requantized, centred
from source.exporter.integer._windows import Margins, Pair, windows, with_margins
from source.exporter.integer.requantization import Rounding
from source.exporter.integer.tensor import Codes


@dataclasses.dataclass(frozen=True, eq=False)
class MaxPooling(Operation):
    """The largest code of each window; margins hold the smallest code."""

    window: Pair
    strides: Pair
    margins: Margins

    def run(
        self, given: Sequence[np.ndarray], sources: Sequence[Codes], target: Codes, rounding: Rounding
    ) -> np.ndarray:
        """Returns the largest codes."""
        padded = with_margins(given[0], self.margins, sources[0].low)
        return windows(padded, self.window, self.strides).max(axis=(3, 4))

    def check(self, sources: Sequence[Codes], target: Codes) -> None:
        """Refuses windows that cannot be."""
        super().check(sources, target)
        _check_windows(self, sources[0], self.window, self.strides, self.margins)
        self.expect_same_numbers(sources, target)


@dataclasses.dataclass(frozen=True, eq=False)
class AveragePooling(Requantized):
    """The mean of the codes of each window; margins do not count.

    Attributes:
        multiplier: scale of the input over that of the output and the numbers in the window: one for all, or one for
            each place, (rows, columns, 1).
    """

    window: Pair
    strides: Pair
    margins: Margins

    def run(
        self, given: Sequence[np.ndarray], sources: Sequence[Codes], target: Codes, rounding: Rounding
    ) -> np.ndarray:
        """Returns the codes of the means."""
        padded = with_margins(centred(given[0], sources[0]), self.margins)
        sums = windows(padded, self.window, self.strides).sum(axis=(3, 4), dtype=np.int64)
        return self.finished(sums, target, rounding)

    def largest(self, sources: Sequence[Codes]) -> int:
        """Returns the largest sum."""
        return self.window[0] * self.window[1] * max(abs(end) for end in sources[0].centred)

    def check(self, sources: Sequence[Codes], target: Codes) -> None:
        """Refuses windows that cannot be."""
        super().check(sources, target)
        _check_windows(self, sources[0], self.window, self.strides, self.margins)
        self.expect(
            self.multiplier.shape == (1,) or self.multiplier.shape == (*target.shape[:2], 1), "a factor for each place"
        )


def _check_windows(operation: Operation, source: Codes, window: Pair, strides: Pair, margins: Margins) -> None:
    operation.expect(len(source.shape) == 3, "maps")
    operation.expect(min(*window, *strides) > 0 <= min(margins), "positive windows and strides")
    # A margin as wide as a window would make windows of nothing.
    within = max(margins[:2]) < window[0] and max(margins[2:]) < window[1]
    operation.expect(within, "margins narrower than windows")
    operation.expect(max(window) < 1 << 12, "windows below 4096")
