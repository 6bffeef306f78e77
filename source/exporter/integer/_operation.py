"""What every operation of a program is, and the last step of most: an accumulator becomes a code."""

import abc
import dataclasses
from collections.abc import Sequence

import numpy as np

from source.config.errors import DataError
from source.exporter.integer.requantization import Rounding, multiply
from source.exporter.integer.tensor import Codes


@dataclasses.dataclass(frozen=True, eq=False)
class Operation(abc.ABC):
    """Makes one tensor of codes of others.

    Attributes:
        name: of the layer that it does the work of.
        inputs: names of tensors.
        output: name of the tensor made.
    """

    name: str
    inputs: tuple[str, ...]
    output: str

    @abc.abstractmethod
    def run(
        self, given: Sequence[np.ndarray], sources: Sequence[Codes], target: Codes, rounding: Rounding
    ) -> np.ndarray:
        """Returns codes (b, ...) of the output.

        Args:
            given: codes of the inputs (b, ...).
            sources: what is known of the inputs.
            target: what is known of the output.
            rounding: how accumulators become codes.
        """

    def largest(self, sources: Sequence[Codes]) -> int:
        """Returns the largest magnitude that an accumulator can reach; 0 where there is none.

        Args:
            sources: what is known of the inputs.
        """
        return 0

    def check(self, sources: Sequence[Codes], target: Codes) -> None:
        """Refuses settings that cannot be.

        Args:
            sources: what is known of the inputs.
            target: what is known of the output.

        Raises:
            DataError: naming the operation.
        """
        self.expect(len(sources) == 1, "one input")

    def expect(self, holds: bool, what: str) -> None:
        """Refuses what does not hold.

        Raises:
            DataError: naming the operation and what was expected.
        """
        if not holds:
            raise DataError(f"{self.name}: expected {what}.")

    def expect_same_numbers(self, sources: Sequence[Codes], target: Codes) -> None:
        """Refuses an output whose codes mean other numbers than those of the inputs.

        Raises:
            DataError: naming the operation.
        """
        same = all(
            each.same_numbers(target) and target.low <= each.low and each.high <= target.high for each in sources
        )
        self.expect(same, "inputs and output with the same codes")


@dataclasses.dataclass(frozen=True, eq=False)
class Requantized(Operation):
    """An operation whose accumulator a becomes clip(round(a * multiplier * 2^(shift - 31)) + zero point).

    Attributes:
        multiplier: int32, not negative, one for the tensor, for a channel or for a place.
        shift: int32, of each multiplier.
        limits: the smallest and the largest code: those of the output, or less after ReLU.
    """

    multiplier: np.ndarray
    shift: np.ndarray
    limits: tuple[int, int]

    def finished(self, accumulator: np.ndarray, target: Codes, rounding: Rounding) -> np.ndarray:
        """Returns the codes of an accumulator.

        Args:
            accumulator: integers of at most 32 bits.
            target: what is known of the output.
            rounding: how products are rounded.
        """
        codes = multiply(accumulator, self.multiplier, self.shift, rounding) + target.zero_point
        return np.clip(codes, *self.limits)

    def check(self, sources: Sequence[Codes], target: Codes) -> None:
        """Refuses factors and limits that cannot be."""
        super().check(sources, target)
        self.check_factors()
        low, high = self.limits
        self.expect(target.low <= low <= high <= target.high, "limits within the codes of the output")

    def check_factors(self) -> None:
        """Refuses multipliers that no factor has."""
        multiplier, shift = self.multiplier, self.shift
        self.expect(multiplier.dtype == shift.dtype == np.int32, "multipliers and shifts of int32")
        self.expect(multiplier.shape == shift.shape and bool(multiplier.size), "a shift for each multiplier")
        self.expect(bool((multiplier >= 0).all()), "multipliers that are not negative")
        self.expect(bool(((shift >= -62) & (shift <= 30)).all()), "shifts in [-62, 30]")


def centred(codes: np.ndarray, source: Codes) -> np.ndarray:
    """Returns codes less their zero point, int32.

    Args:
        codes: of a tensor.
        source: what is known of it.
    """
    return codes.astype(np.int32) - np.int32(source.zero_point)
