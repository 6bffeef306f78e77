"""Tests that sums over pixels add in halves, whatever the batch."""

import numpy as np
import pytest
import tensorflow as tf

from source.augmenter import _fixed_order


def halves(values: np.ndarray) -> np.ndarray:
    while len(values) > 1:
        half = len(values) // 2
        values = np.concatenate([values[:half] + values[half : 2 * half], values[2 * half :]])
    return values[0]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 75, 1024])
def test_sum_adds_the_second_half_to_the_first(count: int):
    values = np.random.default_rng(count).normal(size=(4, count, 3)).astype(np.float32)
    expected = np.stack([halves(one) for one in values])
    np.testing.assert_array_equal(_fixed_order.sum_over_pixels(tf.constant(values)), expected)
    single = [_fixed_order.sum_over_pixels(tf.constant(one[np.newaxis]))[0] for one in values]
    np.testing.assert_array_equal(single, expected)


def test_mean_of_whole_numbers_is_exact_when_the_count_is_a_power_of_two():
    values = tf.reshape(tf.range(2 * 64, dtype=tf.float32), (2, 64, 1))
    np.testing.assert_array_equal(_fixed_order.mean_over_pixels(values), [[31.5], [95.5]])
