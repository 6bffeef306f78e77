"""A tensor of codes: integers that stand for numbers, number = scale * (code - zero point)."""

import dataclasses
import math

import numpy as np

from source.config.errors import DataError


@dataclasses.dataclass(frozen=True)
class Codes:
    """What is known of a tensor of codes before there are any.

    Attributes:
        name: unique in its program.
        shape: of one example.
        low: smallest code.
        high: largest code.
        scale: of the numbers, positive, a float32 value.
        zero_point: the code of zero.
    """

    name: str
    shape: tuple[int, ...]
    low: int
    high: int
    scale: float
    zero_point: int

    @property
    def bits(self) -> int:
        """Bits of a code."""
        return (self.high - self.low).bit_length()

    @property
    def dtype(self) -> np.dtype:
        """The smallest NumPy integer that holds the codes."""
        return np.min_scalar_type(min(self.low, -self.high - 1) if self.low < 0 else self.high)

    @property
    def centred(self) -> tuple[int, int]:
        """The smallest and the largest code less the zero point."""
        return self.low - self.zero_point, self.high - self.zero_point

    def same_numbers(self, other: "Codes") -> bool:
        """Returns whether a code means the same number in another tensor."""
        return (self.scale, self.zero_point) == (other.scale, other.zero_point)

    def numbers(self, codes: np.ndarray) -> np.ndarray:
        """Returns the numbers that codes stand for, float32.

        Args:
            codes: integers.
        """
        return np.float32(self.scale) * (codes.astype(np.int32) - self.zero_point).astype(np.float32)

    def rounded(self, numbers: np.ndarray) -> np.ndarray:
        """Returns the codes of the nearest numbers, ties upwards; those beyond the ends become the ends.

        Args:
            numbers: floats without NaN.

        Raises:
            DataError: for NaN.
        """
        steps = np.asarray(numbers, np.float64) / self.scale
        if np.isnan(steps).any():
            raise DataError(f"{self.name}: expected numbers. Received: NaN.")
        return np.clip(np.floor(steps + 0.5) + self.zero_point, self.low, self.high).astype(self.dtype)

    def empty(self) -> np.ndarray:
        """Returns the codes of no example."""
        return np.zeros((0, *self.shape), self.dtype)

    def checked(self, codes: np.ndarray) -> np.ndarray:
        """Returns codes as they are kept.

        Args:
            codes: integers (b, ...).

        Raises:
            DataError: for another shape or type, or for codes that are none of this tensor.
        """
        given = np.asarray(codes)
        if given.dtype.kind not in "iu" or given.shape[1:] != self.shape or given.ndim == 0:
            raise DataError(
                f"{self.name}: expected integers of shape (b, {str(self.shape)[1:-1]}). "
                f"Received: {given.dtype} of shape {given.shape}."
            )
        if given.size and not self.low <= given.min() <= given.max() <= self.high:
            raise DataError(
                f"{self.name}: codes are in [{self.low}, {self.high}]. Received: {given.min()} to {given.max()}."
            )
        return given.astype(self.dtype)

    def check(self) -> None:
        """Refuses what no codes can be.

        Raises:
            DataError: naming what is wrong.
        """
        if not all(length > 0 for length in self.shape):
            raise DataError(f"{self.name}: lengths of a shape are positive. Received: {self.shape}.")
        if not -(1 << 15) <= self.low < self.high < 1 << 16 or self.bits > 16:
            raise DataError(f"{self.name}: codes have at most 16 bits. Received: {self.low} to {self.high}.")
        if not self.low <= self.zero_point <= self.high:
            raise DataError(f"{self.name}: zero has a code in [{self.low}, {self.high}]. Received: {self.zero_point}.")
        if not (math.isfinite(self.scale) and self.scale > 0.0):
            raise DataError(f"{self.name}: a scale is positive and finite. Received: {self.scale}.")
