"""Which examples a step takes: pure functions of the step, so that a pipeline's whole state is one integer."""

import math
from typing import NamedTuple, Protocol

import tensorflow as tf

from source.augmenter import random_key

# The generator's draw that orders an epoch. The keys of examples are draws 0, 1, ... of the same generator, and no
# data set has 2^63 examples, so order and augmentation never share random bits.
_ORDER_DRAW = 1 << 63


class Rows(NamedTuple):
    """The examples of one step.

    Attributes:
        index: int64 (b,), positions in the list of examples.
        epoch: int64 (b,), how often the data was gone through before; a batch may span two epochs.
        weight: float32 (b,), 1 for an example and 0 for padding.
    """

    index: tf.Tensor
    epoch: tf.Tensor
    weight: tf.Tensor


class Order(Protocol):
    """What a pipeline asks: which steps there are, and which rows a step has."""

    def steps(self, start: int) -> tf.data.Dataset:
        """Returns the numbers of the steps from `start` on, int64."""

    def rows(self, step: tf.Tensor) -> Rows:
        """Returns the examples of a step."""


class ShuffledOrder:
    """Endless batches for training: position p = step * batch + i is example permutation(p mod n) of epoch p // n.

    Every epoch has its own permutation and holds each example exactly once; batches cross the border between
    two epochs, so all have the same size.
    """

    def __init__(self, count: int, batch: int, seed: int) -> None:
        self.count, self.batch, self.seed = count, batch, seed

    def steps(self, start: int) -> tf.data.Dataset:
        """Returns start, start + 1, ... without end."""
        return tf.data.Dataset.counter(start)

    def rows(self, step: tf.Tensor) -> Rows:
        """Returns the shuffled examples of a step."""
        position = tf.cast(step, tf.int64) * self.batch + tf.range(self.batch, dtype=tf.int64)
        epoch = position // self.count
        index = permute(position % self.count, self.count, self.seed, epoch)
        return Rows(index, epoch, tf.ones(self.batch))


class FileOrder:
    """Each example once in the order of the files; the last batch is filled up with rows of weight 0."""

    def __init__(self, count: int, batch: int) -> None:
        self.count, self.batch = count, batch

    def steps(self, start: int) -> tf.data.Dataset:
        """Returns start, ..., ceil(n / batch) - 1."""
        end = math.ceil(self.count / self.batch)
        return tf.data.Dataset.range(min(start, end), end)

    def rows(self, step: tf.Tensor) -> Rows:
        """Returns the examples of a step; padding repeats the last example."""
        position = tf.cast(step, tf.int64) * self.batch + tf.range(self.batch, dtype=tf.int64)
        weight = tf.cast(position < self.count, tf.float32)
        return Rows(tf.minimum(position, self.count - 1), tf.zeros(self.batch, tf.int64), weight)


class FirstBatchOrder:
    """The first batch of another order again and again, to see that a model can learn it by heart."""

    def __init__(self, order: Order) -> None:
        self.order = order

    def steps(self, start: int) -> tf.data.Dataset:
        """Returns start, start + 1, ... without end."""
        return tf.data.Dataset.counter(start)

    def rows(self, step: tf.Tensor) -> Rows:
        """Returns the examples of step 0, whatever the step."""
        return self.order.rows(tf.zeros_like(step))


def permute(offset: tf.Tensor, count: int, seed: int, epoch: tf.Tensor) -> tf.Tensor:
    """Returns where a random permutation of 0, ..., count - 1 sends each offset.

    The permutation is a block cipher on indices (`RandomIndexShuffle`), so it needs no memory and no buffer.

    Args:
        offset: int64 (b,), from 0 to count - 1.
        count: examples in an epoch, at least 1.
        seed: the run's seed.
        epoch: int64 (b,); each epoch has another permutation.

    Returns:
        int64 (b,).
    """
    pair = random_key.seed_pair(random_key.fold(seed, epoch, _ORDER_DRAW), 0)
    # The vectorised operation takes a row of three numbers for each index, of which the last must be 0.
    return tf.raw_ops.RandomIndexShuffle(
        index=offset,
        seed=tf.pad(pair, [[0, 0], [0, 1]]),
        max_index=tf.constant(count - 1, tf.int64),
        rounds=4,
    )
