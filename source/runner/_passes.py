"""One pass over data without training: evaluation inside the graph, prediction batch by batch."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf


class EvaluationPass:
    """Runs an evaluation step over every batch of a data set, inside one `tf.function`."""

    def __init__(self, evaluate_step: Callable[[Any], None], dataset: tf.data.Dataset) -> None:
        """Stores what to run.

        Args:
            evaluate_step: graph code that adds a batch to the metrics.
            dataset: batches of a known number.
        """
        self._step = tf.function(evaluate_step, autograph=False)
        self._dataset = dataset
        self._all = tf.function(self._run, autograph=False)

    def run(self) -> None:
        """Goes through the whole data set once."""
        self._all(iter(self._dataset), self._dataset.cardinality())

    def _run(self, iterator: Any, batches: tf.Tensor) -> None:
        def step(done: tf.Tensor) -> tuple[tf.Tensor]:
            self._step(next(iterator))
            return (done + 1,)

        tf.while_loop(lambda done: done < batches, step, (tf.constant(0, tf.int64),), parallel_iterations=1)


def predictions(predict_step: Callable[[Any], Any], dataset: tf.data.Dataset) -> Iterator[dict[str, np.ndarray]]:
    """Yields the predictions of every batch as NumPy arrays, without the rows that fill up the last one.

    Args:
        predict_step: graph code from a batch to arrays by name, one row an example.
        dataset: batches with `image`, `index` and `weight`, whose weight is 0 for rows that fill up.
    """
    step = tf.function(predict_step, autograph=False)
    for batch in dataset:
        real = batch["weight"].numpy() > 0
        outputs = {**step(batch), "index": batch["index"], "image": batch["image"]}
        yield {name: value.numpy()[real] for name, value in outputs.items()}
