"""A part of the training examples set aside for evaluation, class by class."""

import numpy as np
import tensorflow as tf

from source.augmenter import random_key

# The generator's draw that splits, far from the epochs 0, 1, ... that order and augmentation draw.
_SPLIT_DRAW = (1 << 63) + 1


def stratified(labels: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the positions to train on and those to hold out, both rising: disjoint, and together all.

    Each example has a random number that follows from the seed and its position; of each class those with the
    smallest numbers are held out, round(fraction * examples of the class) of them.

    Args:
        labels: (n,) class of each example.
        fraction: share to hold out, from 0 to below 1.
        seed: another seed holds out others.

    Returns:
        Two int64 arrays.
    """
    numbers = random_key.fold(seed, _SPLIT_DRAW, tf.range(len(labels), dtype=tf.int64)).numpy()
    is_held_out = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        count = int(np.floor(fraction * len(members) + 0.5))
        is_held_out[members[np.argsort(numbers[members], kind="stable")[:count]]] = True
    return np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)
