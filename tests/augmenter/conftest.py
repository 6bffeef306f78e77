"""Pictures and keys that the augmenters are tested with."""

import numpy as np
import pytest
import tensorflow as tf

from source.augmenter import random_key


@pytest.fixture(name="images")
def _images() -> np.ndarray:
    """Returns 12 random pictures, uint8 (12, 32, 32, 3): no two pixels of a row are alike for long."""
    return np.random.default_rng(20).integers(0, 256, (12, 32, 32, 3), np.uint8)


@pytest.fixture(name="smooth")
def _smooth() -> np.ndarray:
    """Returns one picture of slow waves, uint8 (48, 64, 3): neighbours are alike as in a photograph."""
    y, x = np.mgrid[:48, :64].astype(np.float64)
    waves = [np.sin(x / 9 + y / 17), np.cos(x / 13 - y / 7), np.sin(x / 21) * np.cos(y / 11)]
    return np.round(127.5 + 110 * np.stack(waves, axis=-1)).astype(np.uint8)


@pytest.fixture(name="keys")
def _keys() -> tf.Tensor:
    """Returns the keys of the first 12 examples of epoch 3 under seed 5, uint64 (12,)."""
    return random_key.fold(5, 3, tf.range(12, dtype=tf.int64))
