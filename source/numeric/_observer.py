"""What observers have in common: they collect numbers batch by batch until they are asked what they found."""

import abc

import numpy as np

from source.config.errors import DataError


class Collector(abc.ABC):
    """Collects numbers until it is asked what it found."""

    def __init__(self) -> None:
        self._frozen = False

    def observe(self, x: np.ndarray) -> None:
        """Takes a batch into account.

        Args:
            x: finite numbers, at least one.

        Raises:
            DataError: for a batch without numbers, with infinity or NaN, or with another number of channels than
                the ones before, and after the collection has ended.
        """
        if self._frozen:
            raise DataError("Calibration has ended: limits were read. Use a new observer to begin again.")
        numbers = np.asarray(x, np.float64)
        if not numbers.size or not np.isfinite(numbers).all():
            raise DataError(f"Calibration needs finite numbers, at least one. Received: shape={numbers.shape}.")
        self._collect(numbers)

    @abc.abstractmethod
    def _collect(self, x: np.ndarray) -> None:
        """Takes a batch of finite float64 into account."""


class Observer(Collector):
    """Collects numbers until it is asked for their limits.

    Attributes:
        axis: whose indices have limits each; None for one pair for the tensor.
    """

    def __init__(self, axis: int | None = None) -> None:
        super().__init__()
        self.axis = axis

    def limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the smallest and the largest number to round to, and ends the collection.

        Returns:
            Two float32 arrays, scalars, or for an axis of the tensor's rank with size one elsewhere.

        Raises:
            DataError: when nothing was observed.
        """
        self._frozen = True
        low, high = self._limits()
        return np.asarray(low, np.float32), np.asarray(high, np.float32)

    @abc.abstractmethod
    def _limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the limits of what was collected."""


def nothing_seen() -> DataError:
    """Returns the error of an observer that is asked too early."""
    return DataError("Calibration has seen no numbers: call `observe` first.")
