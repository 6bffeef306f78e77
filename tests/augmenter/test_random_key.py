"""Tests that keys and draws are SplitMix64's numbers, the same in every mode, and evenly spread."""

import numpy as np
import pytest
import tensorflow as tf

from source.augmenter import random_key

MASK = (1 << 64) - 1
SEEDS = [0, 1, 1234567, MASK]


def splitmix64(state: int, count: int) -> list[int]:
    """Returns the first numbers of SplitMix64 in plain integers."""
    numbers = []
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        numbers.append(z ^ (z >> 31))
    return numbers


def as_key(value: int) -> tf.Tensor:
    return tf.constant(value, tf.uint64)


def test_reference_gives_the_published_vectors_of_seed_1234567():
    # Test vectors that accompany SplitMix64 on Rosetta Code ("Pseudo-random numbers/Splitmix64").
    assert splitmix64(1234567, 3) == [6457827717110365317, 3203168211198807973, 9817491932198370423]


@pytest.mark.parametrize("seed", SEEDS)
def test_draws_are_the_numbers_of_the_generator(seed: int):
    assert [int(random_key.bits(as_key(seed), draw)) for draw in range(5)] == splitmix64(seed, 5)


@pytest.mark.parametrize("seed", [*SEEDS, -3])
def test_fold_is_number_index_of_number_epoch(seed: int):
    expected = splitmix64(splitmix64(seed & MASK, 8)[7], 4)[3]
    assert int(random_key.fold(seed, 7, 3)) == expected
    assert (
        int(random_key.fold(tf.constant(seed & MASK, tf.uint64), tf.constant(7), tf.constant(3, tf.int64))) == expected
    )


def test_fold_broadcasts_epochs_and_indices_and_never_repeats():
    keys = random_key.fold(5, tf.constant([[0], [1]]), tf.range(500, dtype=tf.int64))
    assert keys.shape == (2, 500) and keys.dtype == tf.uint64
    assert len(np.unique(keys)) == 1000
    assert int(keys[1, 7]) == int(random_key.fold(5, 1, 7))


def test_uniform_is_the_upper_24_bits():
    keys = random_key.fold(1, 0, tf.range(100))
    expected = np.array([(splitmix64(int(key), 3)[2] >> 40) * 2.0**-24 for key in keys.numpy()], np.float32)
    np.testing.assert_array_equal(random_key.uniform(keys, 2), expected)
    scaled = np.float32(-2) + np.float32(5) * expected
    np.testing.assert_array_equal(random_key.uniform(keys, 2, -2.0, 3.0), scaled)


def test_integer_is_the_upper_32_bits_scaled():
    keys = random_key.fold(1, 0, tf.range(100))
    expected = [-4 + ((splitmix64(int(key), 1)[0] >> 32) * 9 >> 32) for key in keys.numpy()]
    values = random_key.integer(keys, 0, -4, 5)
    assert values.dtype == tf.int32
    np.testing.assert_array_equal(values, expected)
    assert set(expected) == set(range(-4, 5))


def test_integer_of_an_empty_or_single_range_is_its_low_end():
    keys = random_key.fold(1, 0, tf.range(10))
    np.testing.assert_array_equal(random_key.integer(keys, 0, 3, 3), [3] * 10)
    np.testing.assert_array_equal(random_key.integer(keys, 0, 3, 4), [3] * 10)


def test_seed_pair_holds_the_64_bits():
    pair = random_key.seed_pair(as_key(9), 4).numpy()
    assert pair.dtype == np.int32 and pair.shape == (2,)
    low, high = (int(half) & 0xFFFFFFFF for half in pair)
    assert (high << 32) | low == splitmix64(9, 5)[4]
    assert random_key.seed_pair(random_key.fold(0, 0, tf.range(6)), 0).shape == (6, 2)


def test_a_vector_of_draws_equals_draws_one_by_one():
    keys = random_key.fold(3, 1, tf.range(20))
    together = random_key.integer(keys[:, tf.newaxis], tf.constant([0, 1, 5]), 0, tf.constant([9, 7, 2]))
    for column, (draw, high) in enumerate([(0, 9), (1, 7), (5, 2)]):
        np.testing.assert_array_equal(together[:, column], random_key.integer(keys, draw, 0, high))


def everything(seed: tf.Tensor, epoch: tf.Tensor, index: tf.Tensor) -> tuple[tf.Tensor, ...]:
    key = random_key.fold(seed, epoch, index)
    return (
        key,
        random_key.uniform(key, 0),
        random_key.uniform(key, 1, 256.0, 513.5),
        random_key.integer(key, 2, -7, 100),
        random_key.seed_pair(key, 3),
    )


def test_eager_graph_dataset_scalar_and_batch_give_the_same_bits():
    seed, epoch, index = tf.constant(11, tf.int64), tf.constant(2, tf.int64), tf.range(64, dtype=tf.int64)
    eager = everything(seed, epoch, index)
    compiled = tf.function(everything)(seed, epoch, index)
    positions = tf.data.Dataset.from_tensor_slices(index)
    batched = next(iter(positions.batch(64).map(lambda i: everything(seed, epoch, i))))
    single = next(iter(positions.map(lambda i: everything(seed, epoch, i), num_parallel_calls=2).batch(64)))
    square = everything(seed, epoch, tf.reshape(index, (8, 8)))
    for number, expected in enumerate(eager):
        for other in (compiled[number], batched[number], single[number]):
            assert other.dtype == expected.dtype
            np.testing.assert_array_equal(other, expected)
        np.testing.assert_array_equal(tf.reshape(square[number], expected.shape), expected)


def test_uniform_has_the_mean_and_variance_of_its_distribution():
    count = 100_000
    values = random_key.uniform(random_key.fold(2024, 0, tf.range(count)), 0).numpy().astype(np.float64)
    assert values.min() >= 0.0 and values.max() < 1.0
    # Four standard errors: of a mean sqrt(1/12/n), of a variance sqrt((1/80 - 1/144)/n).
    assert abs(values.mean() - 1 / 2) < 4 * np.sqrt(1 / 12 / count)
    assert abs(values.var() - 1 / 12) < 4 * np.sqrt((1 / 80 - 1 / 144) / count)


@pytest.mark.parametrize("draw", [0, 1, 17])
def test_integers_fill_their_range_evenly(draw: int):
    count, cells = 50_000, 9
    values = random_key.integer(random_key.fold(7, 3, tf.range(count)), draw, 0, cells).numpy()
    expected = count / cells
    chi2 = np.sum((np.bincount(values, minlength=cells) - expected) ** 2 / expected)
    assert chi2 < 26.1  # 99.9 % quantile of chi-squared with 8 degrees of freedom


def test_draws_epochs_and_neighbouring_indices_are_uncorrelated():
    count = 50_000
    index = tf.range(count)
    first = random_key.uniform(random_key.fold(7, 0, index), 0).numpy()
    others = [
        random_key.uniform(random_key.fold(7, 0, index), 1).numpy(),
        random_key.uniform(random_key.fold(7, 1, index), 0).numpy(),
        random_key.uniform(random_key.fold(8, 0, index), 0).numpy(),
        np.roll(first, 1),
    ]
    for other in others:
        # Four standard errors of a correlation of independent samples, 1/sqrt(n).
        assert abs(np.corrcoef(first, other)[0, 1]) < 4 / np.sqrt(count)
