"""Tests that orders are pure functions of the step: permutations, borders between epochs, padding."""

import numpy as np
import pytest
import tensorflow as tf

from source.inputter import _order


def rows(order, steps, start=0):
    found = [order.rows(step) for step in order.steps(start).take(steps)]
    return [np.concatenate([getattr(row, name) for row in found]) for name in ("index", "epoch", "weight")]


@pytest.mark.parametrize(("count", "batch"), [(1, 1), (1, 4), (2, 3), (7, 3), (7, 7), (7, 20), (64, 5), (1000, 128)])
def test_every_epoch_holds_each_example_once(count, batch):
    index, epoch, weight = rows(_order.ShuffledOrder(count, batch, 3), -(-4 * count // batch))
    assert weight.min() == 1.0
    for number in range(4):
        assert sorted(index[number * count : (number + 1) * count]) == list(range(count))
        assert set(epoch[number * count : (number + 1) * count]) == {number}


def test_the_order_does_not_depend_on_the_batch_or_the_first_step():
    whole = rows(_order.ShuffledOrder(50, 10, 3), 20)[0]
    np.testing.assert_array_equal(rows(_order.ShuffledOrder(50, 25, 3), 8)[0], whole)
    np.testing.assert_array_equal(rows(_order.ShuffledOrder(50, 10, 3), 13, start=7)[0], whole[70:])


def test_epochs_and_seeds_have_their_own_permutations():
    orders = [
        tuple(rows(_order.ShuffledOrder(40, 40, seed), 5)[0][40 * e : 40 * e + 40])
        for seed in (0, 1, -5)
        for e in range(5)
    ]
    assert len(set(orders)) == 15


def test_positions_are_shuffled_evenly():
    # In 3,000 epochs each of 6 examples comes first 500 times; a binomial deviation is 20.4, 5 of them 102.
    index = rows(_order.ShuffledOrder(6, 600, 11), 30)[0].reshape(3000, 6)
    assert np.abs(np.bincount(index[:, 0], minlength=6) - 500).max() < 102


def test_the_order_is_this_one():
    index = rows(_order.ShuffledOrder(10, 10, 0), 2)[0]
    # Frozen: another order would make a checkpoint go on with other batches than it would have seen.
    assert index.tolist() == [3, 6, 0, 7, 9, 1, 5, 4, 8, 2, 2, 1, 9, 6, 0, 3, 7, 5, 4, 8]


def test_steps_far_away_are_as_good_as_near_ones():
    index, epoch, _ = rows(_order.ShuffledOrder(50_000, 50_000, 0), 1, start=10**6)
    assert sorted(index) == list(range(50_000)) and set(epoch) == {10**6}


def test_file_order_pads_with_the_last_example_at_weight_zero():
    index, epoch, weight = rows(_order.FileOrder(7, 3), -1)
    assert index.tolist() == [0, 1, 2, 3, 4, 5, 6, 6, 6]
    assert weight.tolist() == [1, 1, 1, 1, 1, 1, 1, 0, 0]
    assert epoch.tolist() == [0] * 9


@pytest.mark.parametrize(("start", "steps"), [(0, 3), (2, 1), (3, 0), (9, 0)])
def test_file_order_ends(start, steps):
    assert int(_order.FileOrder(7, 3).steps(start).cardinality()) == steps


def test_the_first_batch_is_repeated():
    order = _order.ShuffledOrder(9, 4, 2)
    index = rows(_order.FirstBatchOrder(order), 3)[0].reshape(3, 4)
    np.testing.assert_array_equal(index, np.tile(order.rows(tf.constant(0)).index, (3, 1)))
