"""LMNet's `linear_mid_tread_half`: even steps from zero to a largest value, for activations."""

import dataclasses
import functools

import numpy as np
from keras import ops

from source.config.errors import ConfigError
from source.numeric._bits import Tensor
from source.numeric._table import TableFormat
from source.numeric.rounding import Rounding, suffix


@dataclasses.dataclass(frozen=True)
class MidTreadHalf(TableFormat):
    """Numbers n * (maximum / (2^width - 1)) with n from 0 to 2^width - 1, which is the code.

    n = floor(x * ((2^width - 1) / maximum) + 1/2): ties go up. Numbers below zero become zero.

    Attributes:
        width: bits of n, 1 to 16.
        maximum: the largest number.
        rounding: how to round.
    """

    width: int
    maximum: float
    rounding: Rounding = "nearest"

    @functools.cached_property
    def table(self) -> np.ndarray:
        """The numbers in ascending order."""
        steps = np.arange(self._highest, dtype=np.float32) * np.float32(self._step)
        return np.append(steps, np.float32(self.maximum))

    def round_tensor(self, x: Tensor, seed: int | Tensor | None = None) -> Tensor:
        """Returns x between 0 and the maximum, rounded to a whole number of steps."""
        if self.rounding != "nearest":
            return super().round_tensor(x, seed)
        x = ops.abs(ops.clip(x, 0.0, self.maximum))  # of -0 and 0 either may be the larger
        # floor(v + 1/2) = floor((floor(2 v) + 1) / 2). No product feeds a sum, which some compilers round once.
        doubled = ops.floor(x * float(np.float32(2 * self._highest / self.maximum)))
        steps = ops.floor((doubled + 1.0) * 0.5)
        return ops.where(steps > self._highest - 0.5, self.maximum, steps * self._step)

    @property
    def _highest(self) -> int:
        return (1 << self.width) - 1

    @property
    def _step(self) -> float:
        return float(np.float32(self.maximum / self._highest))

    def _check(self) -> None:
        if not 1 <= self.width <= 16:
            raise ConfigError(f"`width` must be in [1, 16]. Received: width={self.width}.")
        if not 2.0**-60 <= self.maximum <= 2.0**60:
            raise ConfigError(f"`maximum` must be in [2^-60, 2^60]. Received: maximum={self.maximum}.")
        object.__setattr__(self, "maximum", float(np.float32(self.maximum)))

    def __str__(self) -> str:
        return f"linear_mid_tread_half<{self.width},{self.maximum:.9g}>" + suffix(self.rounding)
