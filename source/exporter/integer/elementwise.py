"""Operations on single codes: sums of two tensors, other scales, other shapes."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from source.exporter.integer._operation import Operation, Requantized, centred
from source.exporter.integer.requantization import Rounding, multiply
from source.exporter.integer.tensor import Codes


@dataclasses.dataclass(frozen=True, eq=False)
class Requantization(Requantized):
    """The same numbers at another scale; also how ReLU and other limits are done alone."""

    def run(
        self, given: Sequence[np.ndarray], sources: Sequence[Codes], target: Codes, rounding: Rounding
    ) -> np.ndarray:
        """Returns the codes at the scale of the output."""
        return self.finished(centred(given[0], sources[0]), target, rounding)

    def check(self, sources: Sequence[Codes], target: Codes) -> None:
        """Refuses several factors."""
        super().check(sources, target)
        self.expect(self.multiplier.shape == (1,), "one factor")


@dataclasses.dataclass(frozen=True, eq=False)
class Addition(Requantized):
    """Sum of two tensors: each is shifted left and brought to a common scale, and the sum to that of the output.

    Attributes:
        left_shift: bits by which codes are shifted: 20 for 8 bits.
        source_multiplier: of each of the two, int32: its scale over twice the larger one.
        source_shift: int32.
    """

    left_shift: int
    source_multiplier: np.ndarray
    source_shift: np.ndarray

    def run(
        self, given: Sequence[np.ndarray], sources: Sequence[Codes], target: Codes, rounding: Rounding
    ) -> np.ndarray:
        """Returns the codes of the sum."""
        first, second = (
            multiply(
                centred(codes, source).astype(np.int64) << self.left_shift,
                self.source_multiplier[index],
                self.source_shift[index],
                rounding,
            )
            for index, (codes, source) in enumerate(zip(given, sources, strict=True))
        )
        return self.finished(first + second, target, rounding)

    def largest(self, sources: Sequence[Codes]) -> int:
        """Returns the largest magnitude of a shifted code; the sum, of halves, is no larger."""
        return max(abs(end) for source in sources for end in source.centred) << self.left_shift

    def check(self, sources: Sequence[Codes], target: Codes) -> None:
        """Refuses factors that cannot be, and tensors of different shapes."""
        self.expect(len(sources) == 2 and sources[0].shape == sources[1].shape, "two inputs of one shape")
        super().check(sources[:1], target)
        self.expect(self.multiplier.shape == (1,), "one factor")
        self.expect(0 <= self.left_shift <= 24, "a left shift of 0 to 24 bits")
        factors = self.source_multiplier, self.source_shift
        self.expect(all(each.dtype == np.int32 and each.shape == (2,) for each in factors), "two source factors")
        # At most 1/2 each: what makes the sum of two as small as one.
        multiplier, shift = self.source_multiplier, self.source_shift
        halves = (shift < 0) | (multiplier <= 1 << 30)
        fits = (multiplier >= 0) & (shift >= -62) & (shift <= 0) & halves
        self.expect(bool(fits.all()), "source factors of at most one half")


@dataclasses.dataclass(frozen=True, eq=False)
class Concatenation(Operation):
    """Tensors of the same codes, one behind the other.

    Attributes:
        axis: of the batch's tensors, 1 or more.
    """

    axis: int

    def run(
        self, given: Sequence[np.ndarray], sources: Sequence[Codes], target: Codes, rounding: Rounding
    ) -> np.ndarray:
        """Returns the codes of all."""
        return np.concatenate(given, axis=self.axis)

    def check(self, sources: Sequence[Codes], target: Codes) -> None:
        """Refuses inputs whose codes mean other numbers."""
        self.expect(len(sources) > 0 and self.axis > 0, "inputs, and an axis behind that of the batch")
        self.expect_same_numbers(sources, target)


@dataclasses.dataclass(frozen=True, eq=False)
class Reshaping(Operation):
    """The same codes in the shape of the output."""

    def run(
        self, given: Sequence[np.ndarray], sources: Sequence[Codes], target: Codes, rounding: Rounding
    ) -> np.ndarray:
        """Returns the codes."""
        return given[0].reshape(-1 if len(given[0]) else 0, *target.shape)

    def check(self, sources: Sequence[Codes], target: Codes) -> None:
        """Refuses another number of codes."""
        super().check(sources, target)
        self.expect(np.prod(sources[0].shape) == np.prod(target.shape), "as many codes as before")
        self.expect_same_numbers(sources, target)


@dataclasses.dataclass(frozen=True, eq=False)
class Padding(Operation):
    """Zeros around a tensor.

    Attributes:
        before: how many, on each axis but the batch's.
        after: likewise.
    """

    before: tuple[int, ...]
    after: tuple[int, ...]

    def run(
        self, given: Sequence[np.ndarray], sources: Sequence[Codes], target: Codes, rounding: Rounding
    ) -> np.ndarray:
        """Returns the codes with the code of zero around them."""
        widths = [(0, 0), *zip(self.before, self.after, strict=True)]
        return np.pad(given[0], widths, constant_values=sources[0].zero_point)

    def check(self, sources: Sequence[Codes], target: Codes) -> None:
        """Refuses widths that cannot be."""
        super().check(sources, target)
        axes = len(sources[0].shape)
        self.expect(len(self.before) == len(self.after) == axes, "widths for each axis")
        self.expect(0 <= min(*self.before, *self.after) <= max(*self.before, *self.after) < 1 << 12, "widths to 4095")
        self.expect_same_numbers(sources, target)
