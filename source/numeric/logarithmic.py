"""Logarithmic numbers: fixed point exponents of two."""

import dataclasses
import functools

import numpy as np

from source.config.errors import ConfigError
from source.numeric._table import TableFormat, below
from source.numeric.rounding import Rounding, suffix

_LARGEST_EXPONENT = 120


@dataclasses.dataclass(frozen=True)
class Logarithmic(TableFormat):
    """Numbers 0 and ±2^(k / 2^fraction) with 2^(width - 1) - 1 values of k, the largest of which gives 2^top.

    Rounds in the logarithm: the border of two neighbours is their geometric mean; that of zero lies half a step of
    the logarithm below the smallest. Miyashita, Lee, Murmann: Convolutional neural networks using logarithmic data
    representation, 2016, https://arxiv.org/abs/1603.01025

    Attributes:
        width: bits of a number, 2 to 10.
        fraction: bits behind the point of the exponent, 0 to 6.
        top: exponent of the largest number.
        rounding: how to round; other ways than to nearest look at the distance, not at the logarithm.
    """

    width: int
    fraction: int = 0
    top: int = 0
    rounding: Rounding = "nearest"

    @functools.cached_property
    def table(self) -> np.ndarray:
        """The numbers in ascending order."""
        magnitudes = np.exp2(self._exponents)
        return np.concatenate([-magnitudes[::-1], [0.0], magnitudes]).astype(np.float32)

    @functools.cached_property
    def borders(self) -> np.ndarray:
        """The largest float32 that rounds to number i rather than i + 1; ties go toward zero."""
        magnitudes = np.exp2(self._exponents - 2.0 ** -(self.fraction + 1))
        return np.concatenate([below(-magnitudes[::-1], ties_up=True), below(magnitudes, ties_up=False)])

    @property
    def _exponents(self) -> np.ndarray:
        count = (1 << (self.width - 1)) - 1
        return self.top - np.arange(count)[::-1] * 2.0**-self.fraction

    def _check(self) -> None:
        if not (2 <= self.width <= 10 and 0 <= self.fraction <= 6):
            raise ConfigError(
                "A logarithmic number has 2 to 10 bits, and 0 to 6 behind the point of its exponent. "
                f"Received: width={self.width}, fraction={self.fraction}."
            )
        if self.top > _LARGEST_EXPONENT or self._exponents[0] < -_LARGEST_EXPONENT:
            raise ConfigError(f"Exponents must be in [-120, 120]. Received: {self._exponents[0]:g} to {self.top}.")

    def __str__(self) -> str:
        top = f",{self.top}" if self.top else ""
        return f"log<{self.width},{self.fraction}{top}>" + suffix(self.rounding)
