"""Blocks of training steps that run in the graph, between two events at which Python looks around."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

StepFunction = Callable[[Any], Mapping[str, tf.Tensor]]


@dataclasses.dataclass(frozen=True)
class BlockResult:
    """What a block of steps gives back to Python.

    Attributes:
        steps: steps done; fewer than asked for if a stop was asked for meanwhile.
        totals: sum over the steps of each scalar output.
        last: each scalar output of the last step.
    """

    steps: int
    totals: dict[str, float]
    last: dict[str, float]


class TrainLoop:
    """Runs a step function many times inside one `tf.function`.

    `tf.while_loop` over the iterator, so Python is entered once a block and not once a step; what the steps
    return
    is summed in float64 on the way.
    """

    def __init__(self, train_step: StepFunction, stop: tf.Variable, jit_compile: bool = False) -> None:
        """Stores what to run.

        Args:
            train_step: graph code from a batch to float32 scalars by name.
            stop: boolean variable, looked at before every step.
            jit_compile: compile the step with XLA.
        """
        self._train_step = tf.function(train_step, jit_compile=jit_compile, autograph=False)
        self._stop = stop
        self._names: list[str] = []
        self._block = tf.function(self._run, autograph=False)

    def run(self, iterator: Any, steps: int) -> BlockResult:
        """Runs at most `steps` steps and returns what they gave.

        Args:
            iterator: a `tf.data` iterator; each step takes its next element.
            steps: how many steps to run, at least 1.
        """
        if not self._names:
            outputs = self._train_step.get_concrete_function(iterator.element_spec).structured_outputs
            self._names = sorted(outputs)
        done, totals, last = self._block(iterator, tf.constant(steps, tf.int64))
        return BlockResult(int(done), self._by_name(totals), self._by_name(last))

    def _by_name(self, values: tf.Tensor) -> dict[str, float]:
        return dict(zip(self._names, (float(value) for value in values.numpy()), strict=True))

    def _run(self, iterator: Any, steps: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        def goes_on(done: tf.Tensor, totals: tf.Tensor, last: tf.Tensor) -> tf.Tensor:
            return tf.logical_and(done < steps, tf.logical_not(self._stop))

        def step(done: tf.Tensor, totals: tf.Tensor, last: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            outputs = self._train_step(next(iterator))
            stacked = tf.cast(tf.stack([outputs[name] for name in self._names]), tf.float64)
            return done + 1, totals + stacked, stacked

        zeros = tf.zeros([len(self._names)], tf.float64)
        # One step at a time: the steps depend on each other through the weights, and TensorFlow's default of
        # ten
        # iterations at once would only let the next batch be fetched earlier, which prefetching does already.
        return tf.while_loop(goes_on, step, (tf.constant(0, tf.int64), zeros, zeros), parallel_iterations=1)
