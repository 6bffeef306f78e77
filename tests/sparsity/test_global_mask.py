"""Tests of masks over many tensors."""

import numpy as np
import pytest
import tensorflow as tf

from source.config.errors import ConfigError
from source.sparsity.global_mask import global_masks
from source.sparsity.pattern import Channel
from tests.sparsity.patterns import best, normal_scores, tied_scores

SCORES = [normal_scores((3, 5)), normal_scores((40,), seed=4) * 3, tied_scores((2, 3, 4)), np.ones((1, 1), np.float32)]


def flat(masks) -> np.ndarray:
    return np.concatenate([np.asarray(mask).reshape(-1) for mask in masks])


@pytest.mark.parametrize("density", [0.0, 0.1, 0.35, 0.9, 1.0])
def test_the_best_of_all_live_wherever_they_are(density):
    masks = global_masks(SCORES, density)
    every = np.concatenate([each.reshape(-1) for each in SCORES])
    assert [mask.shape for mask in masks] == [each.shape for each in SCORES]
    assert np.array_equal(flat(masks), best(every, round(80 * density)))


def test_of_equal_scores_the_earlier_tensor_and_index_live():
    masks = global_masks([np.ones((2, 2)), np.ones(3)], 0.7)  # 4.9 of 7
    assert flat(masks).astype(int).tolist() == [1, 1, 1, 1, 1, 0, 0]


def test_floors_are_kept_exactly_and_the_rest_goes_to_the_best():
    weak, strong = np.float32([1, 4, 3, 2]), np.float32([10, 20, 30, 40, 50, 60])
    assert [mask.numpy().astype(int).tolist() for mask in global_masks([weak, strong], 0.5)] == [
        [0, 0, 0, 0],
        [0, 1, 1, 1, 1, 1],
    ]
    assert [mask.numpy().astype(int).tolist() for mask in global_masks([weak, strong], 0.5, floors=0.5)] == [
        [0, 1, 1, 0],
        [0, 0, 0, 1, 1, 1],
    ]
    alone = global_masks([weak, strong], 0.5, floors=[0.25, 0.0])
    assert [mask.numpy().astype(int).tolist() for mask in alone] == [[0, 1, 0, 0], [0, 0, 1, 1, 1, 1]]


@pytest.mark.parametrize("compiled", [False, True], ids=["graph", "compiled"])
def test_one_traced_function_serves_a_ramp(compiled):
    run = tf.function(
        lambda scores, density: global_masks(scores, density, floors=0.05), jit_compile=compiled, autograph=False
    )
    for density in (0.1, 0.35, 1.0):
        found = run([tf.constant(each) for each in SCORES], tf.constant(density))
        assert np.array_equal(flat(found), flat(global_masks(SCORES, density, floors=0.05)))
    below = run([tf.constant(each) for each in SCORES], tf.constant(0.0))
    assert [int(np.sum(mask)) for mask in below] == [1, 2, 1, 0]  # 0.75, 2, 1.2 and 0.05


def test_channels_of_several_layers():
    pattern = Channel(0.5)
    weights = [np.float32([[1, 5], [1, 5]]), np.float32([[2, 3, 4]])]
    masks = global_masks([pattern.group_scores(tf.constant(each)) for each in weights], 0.4)
    wide = [np.asarray(pattern.expand(mask, each.shape)) for mask, each in zip(masks, weights, strict=True)]
    assert [each.astype(int).tolist() for each in wide] == [[[0, 1], [0, 1]], [[0, 0, 1]]]


def test_one_tensor_alone():
    assert flat(global_masks([np.float32([3, 1, 2])], 0.34)).tolist() == [True, False, False]


def test_mistakes_are_refused():
    with pytest.raises(ConfigError, match=r"Global masks need tensors with entries, of known shapes. Received: shape"):
        global_masks([], 0.5)
    with pytest.raises(ConfigError, match=r"of known shapes. Received: shapes=\[\(0,\)\]."):
        global_masks([np.zeros(0)], 0.5)
    with pytest.raises(ConfigError, match=r"`floors` ask for 41 entries, and `density` keeps 8. Lower the floors."):
        global_masks(SCORES, 0.1, floors=0.5)
    with pytest.raises(ConfigError, match=r"`floors` must be one number, or one for each of 4 tensors. Received: \[0"):
        global_masks(SCORES, 0.1, floors=[0.5])
    with pytest.raises(ConfigError, match=r"`floors` must be in \[0, 1\]. Received: 1.5."):
        global_masks(SCORES, 0.1, floors=1.5)
    with pytest.raises(ConfigError, match=r"`density` must be in \[0, 1\]. Received: density=7."):
        global_masks(SCORES, 7)
