"""Classes of labels that must be equal: a union-find that ties whole arrays at a time."""

import numpy as np


class Classes:
    """Labels 0, 1, 2, ... and which of them stand for the same thing.

    Each label points at a smaller one of its class, and the smallest at itself.
    """

    def __init__(self) -> None:
        self._parent = np.zeros(0, np.int64)

    def __len__(self) -> int:
        return len(self._parent)

    def fresh(self, count: int) -> np.ndarray:
        """Returns new labels, each a class of its own.

        Args:
            count: how many.
        """
        made = np.arange(len(self), len(self) + count, dtype=np.int64)
        self._parent = np.concatenate([self._parent, made])
        return made

    def find(self, labels: np.ndarray) -> np.ndarray:
        """Returns the smallest label of the class of each label.

        Args:
            labels: any shape.
        """
        roots = self._parent[labels]
        while True:
            above = self._parent[roots]
            if np.array_equal(above, roots):
                return roots
            roots = above

    def tie(self, first: np.ndarray, second: np.ndarray) -> None:
        """Makes labels at the same places one class.

        Args:
            first: any shape.
            second: that broadcasts with it.
        """
        first, second = (each.ravel() for each in np.broadcast_arrays(first, second))
        while True:
            first, second = self.find(first), self.find(second)
            apart = first != second
            if not apart.any():
                return
            low, high = np.minimum(first, second)[apart], np.maximum(first, second)[apart]
            # Of several that a label is tied to, the smallest is taken; the next round ties the others to it.
            np.minimum.at(self._parent, high, low)
