"""Sums over all replicas of a `tf.distribute` strategy, so that N replicas train as one."""

import tensorflow as tf


def count() -> int:
    """Returns how many replicas take part in the step that is being traced; 1 without a strategy."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def total(value: tf.Tensor) -> tf.Tensor:
    """Returns the sum of a tensor over all replicas; the tensor itself, at no cost, when there is one.

    Args:
        value: a tensor of the same shape in every replica.
    """
    context = tf.distribute.get_replica_context()
    if count() == 1 or context is None:
        return value
    return context.all_reduce(tf.distribute.ReduceOp.SUM, value)
