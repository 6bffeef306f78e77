"""How often each class was taken for each other one."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf


class ConfusionMatrix(keras.metrics.Metric):
    """Counts examples by class (row) and predicted class (column), int64 (classes, classes), exactly.

    An example counts once if its weight is above zero, so that padding does not.

    Args:
        num_classes: how many classes there are.
    """

    def __init__(self, num_classes: int, name: str = "confusion_matrix") -> None:
        super().__init__(name=name, dtype="int64")
        self.num_classes = num_classes
        self._counts = self.add_weight(
            shape=(num_classes, num_classes), initializer="zeros", dtype="int64", name="counts"
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts a batch.

        Args:
            y_true: classes (b,), whole numbers.
            y_pred: predicted classes (b,), whole numbers.
            sample_weight: weights (b,); None counts all.
        """
        counted = tf.ones_like(y_true, tf.int64) if sample_weight is None else tf.cast(sample_weight > 0, tf.int64)
        matrix = tf.math.confusion_matrix(y_true, y_pred, num_classes=self.num_classes, weights=counted, dtype=tf.int64)
        self._counts.assign_add(matrix)

    def result(self) -> tf.Tensor:
        """Returns the counts, int64 (classes, classes)."""
        return tf.convert_to_tensor(self._counts)

    def numpy(self) -> np.ndarray:
        """Returns the counts as an array."""
        return np.asarray(self.result())

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {"num_classes": self.num_classes, "name": self.name}
