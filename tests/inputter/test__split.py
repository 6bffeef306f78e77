"""Tests that a hold-out is drawn per class, by seed, and stays the same."""

import numpy as np
import pytest

from source.inputter import _split

LABELS = np.repeat([0, 1, 2], [100, 37, 1])


@pytest.mark.parametrize(
    ("fraction", "counts"), [(0.2, [20, 7, 0]), (0.0, [0, 0, 0]), (0.5, [50, 19, 1]), (0.99, [99, 37, 1])]
)
def test_each_class_gives_its_share(fraction, counts):
    train, held_out = _split.stratified(LABELS, fraction, 0)
    assert np.bincount(LABELS[held_out], minlength=3).tolist() == counts
    np.testing.assert_array_equal(np.sort(np.concatenate([train, held_out])), np.arange(len(LABELS)))
    assert (np.diff(train) > 0).all() and (np.diff(held_out) > 0).all()


def test_the_seed_decides():
    first = _split.stratified(LABELS, 0.2, 0)[1]
    np.testing.assert_array_equal(_split.stratified(LABELS, 0.2, 0)[1], first)
    assert set(_split.stratified(LABELS, 0.2, 1)[1]) != set(first)


def test_the_hold_out_is_this_one():
    # Frozen: another hold-out would have been trained on by an earlier run.
    assert _split.stratified(np.arange(12) % 2, 0.34, 5)[1].tolist() == [1, 2, 3, 6]
