"""The integers that a weight of a finished model is made of, as a converter can be told them."""

import dataclasses

import numpy as np

from source.numeric.grid import channel_grid

HIGHEST = 127  # of symmetric int8, whose smallest is -127


@dataclasses.dataclass(frozen=True)
class Grid:
    """Integers and their scales.

    Attributes:
        codes: int32 (..., channels), in [-127, 127].
        scales: float32 (channels,); the weight is float32(code) * scale.
    """

    codes: np.ndarray
    scales: np.ndarray

    @property
    def numbers(self) -> np.ndarray:
        """The weight, float32 (..., channels)."""
        return self.codes.astype(np.float32) * self.scales

    @property
    def is_full(self) -> bool:
        """Whether every channel reaches code 127, so that max |w| / 127 is its scale."""
        largest = np.abs(self.codes).reshape(-1, len(self.scales)).max(axis=0, initial=0)
        return bool((largest == HIGHEST).all())


def grid_of(weight: np.ndarray) -> Grid | None:
    """Returns the integers that a weight is made of; None if some channel lies on no grid of 8 bits.

    Args:
        weight: float32 (..., channels).
    """
    found = channel_grid(weight, axis=-1, bits=8)
    if found is None:
        return None
    codes, scales = found[0], found[1].reshape(-1).copy()
    zero = ~codes.reshape(-1, len(scales)).any(axis=0)
    # Any scale suits a channel of zeros, but that of its bias is made of it: one like the others keeps the bias fine.
    scales[zero] = np.median(scales[~zero]) if not zero.all() else np.float32(1.0 / HIGHEST)
    return Grid(codes, scales)


def limits_of(scales: np.ndarray) -> np.ndarray:
    """Returns the float32 limits of code 127 from which a converter, dividing limit - -limit by 254, gets the scales.

    Args:
        scales: float32.
    """
    limits = (scales.astype(np.float64) * HIGHEST).astype(np.float32)
    best = limits.copy()
    for candidate in (np.nextafter(limits, np.float32(0)), np.nextafter(limits, np.float32(np.inf))):
        better = (_as_converted(best) != scales) & (_as_converted(candidate) == scales)
        best = np.where(better, candidate, best)
    return best


def _as_converted(limits: np.ndarray) -> np.ndarray:
    return (2.0 * limits.astype(np.float64) / (2 * HIGHEST)).astype(np.float32)
