"""Limits from the smallest and the largest number of each batch."""

import numpy as np

from source.config.errors import ConfigError, DataError
from source.numeric._observer import Observer, nothing_seen


class MinMax(Observer):
    """The smallest and the largest number of all."""

    def __init__(self, axis: int | None = None) -> None:
        super().__init__(axis)
        self._seen: tuple[np.ndarray, np.ndarray] | None = None

    def _collect(self, x: np.ndarray) -> None:
        new = self._ends(x)
        if self._seen is not None and self._seen[0].shape != new[0].shape:
            raise DataError(f"Batches must have the same channels. Received: {self._seen[0].shape}, {new[0].shape}.")
        self._seen = new if self._seen is None else self._join(self._seen, new)

    def _ends(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the ends of a batch, of each index of the axis."""
        others = None if self.axis is None else tuple(axis for axis in range(x.ndim) if axis != self.axis % x.ndim)
        keep = self.axis is not None
        return np.asarray(x.min(axis=others, keepdims=keep)), np.asarray(x.max(axis=others, keepdims=keep))

    def _join(
        self, seen: tuple[np.ndarray, np.ndarray], new: tuple[np.ndarray, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        return np.minimum(seen[0], new[0]), np.maximum(seen[1], new[1])

    def _limits(self) -> tuple[np.ndarray, np.ndarray]:
        if self._seen is None:
            raise nothing_seen()
        return self._seen


class MovingAverage(MinMax):
    """The ends of each batch, averaged with weights that fall with age: momentum * old + (1 - momentum) * new.

    Attributes:
        momentum: in [0, 1).
    """

    def __init__(self, momentum: float = 0.9, axis: int | None = None) -> None:
        super().__init__(axis)
        if not 0.0 <= momentum < 1.0:
            raise ConfigError(f"`momentum` must be in [0, 1). Received: momentum={momentum}.")
        self.momentum = momentum

    def _join(
        self, seen: tuple[np.ndarray, np.ndarray], new: tuple[np.ndarray, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        low, high = (self.momentum * old + (1.0 - self.momentum) * now for old, now in zip(seen, new, strict=True))
        return low, high
