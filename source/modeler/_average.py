"""An exponential moving average of the weights, to evaluate with."""

import contextlib
from collections.abc import Iterator, Mapping

import keras
import tensorflow as tf


class WeightAverage:
    """Keeps `average = decay * average + (1 - decay) * weight` for every weight, starting at the weight.

    After n steps the first weights still count `decay ** n`, so there is no bias towards zero to correct, but
    one towards the first weights: with decay 0.999 it is 37 % after 1,000 steps and 0.7 % after 5,000. Choose
    a decay whose 1 / (1 - decay) steps are a small part of the run.

    Polyak, Juditsky: Acceleration of stochastic approximation by averaging, 1992,
    https://doi.org/10.1137/0330046.

    Args:
        decay: above 0 and below 1.
        weights: the weights by name.
    """

    def __init__(self, decay: float, weights: Mapping[str, keras.Variable]) -> None:
        self._decay = decay
        self._weights = list(weights.values())
        self.variables = {
            name: keras.Variable(
                keras.ops.convert_to_tensor(weight),
                trainable=False,
                dtype=weight.dtype,
                aggregation="only_first_replica",  # all replicas hold the same weights
                name=f"average_{number}",
            )
            for number, (name, weight) in enumerate(weights.items())
        }

    def update(self) -> None:
        """Moves every average towards its weight; called after each step."""
        for average, weight in zip(self.variables.values(), self._weights, strict=True):
            average.value.assign_sub((1.0 - self._decay) * (average.value - weight.value))

    def reset(self) -> None:
        """Sets every average to its weight, as at the beginning."""
        for average, weight in zip(self.variables.values(), self._weights, strict=True):
            average.assign(weight)

    @contextlib.contextmanager
    def swapped_in(self) -> Iterator[None]:
        """Puts the averages in the place of the weights, and the very same weights back at the end."""
        kept = [tf.identity(weight.value) for weight in self._weights]
        for average, weight in zip(self.variables.values(), self._weights, strict=True):
            weight.assign(average)
        try:
            yield
        finally:
            for value, weight in zip(kept, self._weights, strict=True):
                weight.assign(value)
