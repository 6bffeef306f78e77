"""Tests of each sparsity pattern; the contract suite holds them all to more."""

import numpy as np
import pytest
import tensorflow as tf

from source.config.errors import ConfigError
from source.sparsity.pattern import Bernoulli, Block, Channel, Dense, Kernel, NOfM, TopK


def bits(mask) -> list:
    return np.asarray(mask).astype(int).tolist()


def test_top_k_keeps_the_largest_and_of_equal_ones_the_earlier():
    assert bits(TopK(0.5).mask([0.1, 0.7, 0.3, 0.7, 0.7, 0.2])) == [0, 1, 0, 1, 1, 0]
    assert bits(TopK(0.5).mask([1, 1, 1, 1, 1, 1])) == [1, 1, 1, 0, 0, 0]
    assert bits(TopK(0.5).mask([-0.0, 0.0, -0.0, 0.0])) == [1, 1, 0, 0]
    assert bits(TopK(0.5).mask([-3.0, -2.0, -4.0, -1.0])) == [0, 1, 0, 1]


def test_top_k_of_ten_at_nine_tenths_keeps_nine():
    assert TopK(0.9).kept((10,)) == np.asarray(TopK(0.9).mask(np.ones(10))).sum() == 9
    assert TopK(0.35).kept((10,)) == 4  # 3.5, up
    assert TopK(0.04).kept((10,)) == 0
    assert TopK(0.5).index_bytes((3, 3)) == 2


def test_n_of_m_along_each_axis():
    scores = np.float32([[4, 1, 3, 2, 9, 8, 7, 6], [1, 2, 3, 4, 5, 5, 5, 5]])
    assert bits(NOfM(2, 4).mask(scores)) == [[1, 0, 1, 0, 1, 1, 0, 0], [0, 0, 1, 1, 1, 1, 0, 0]]
    assert bits(NOfM(1, 2, axis=0).mask(scores)) == [[1, 0, 1, 0, 1, 1, 1, 1], [0, 1, 0, 1, 0, 0, 0, 0]]
    assert NOfM(2, 4).kept((2, 8)) == 8
    assert NOfM(2, 4).density == 0.5


def test_a_last_group_that_is_shorter_keeps_its_part_rounded_up():
    mask = np.asarray(NOfM(2, 4).mask(np.ones(11)))
    assert bits(mask) == [1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0]  # ceil(2 * 3 / 4) of 3
    assert NOfM(2, 4).kept((11,)) == 6
    assert bits(NOfM(5, 12).mask([1.0, 2.0, 3.0])) == [0, 1, 1]  # ceil(5 * 3 / 12) of 3
    assert bits(NOfM(2, 4).mask(np.ones(11), 0.75)) == [1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1]


def test_the_index_of_n_of_m_takes_the_bits_of_a_choice():
    assert NOfM(2, 4).index_bytes((8, 16)) == 8 * 4 * 3 // 8  # 3 bits for one of 6
    assert NOfM(1, 4).index_bytes((8, 16)) == 8 * 4 * 2 // 8
    assert NOfM(4, 8).index_bytes((8, 16)) == 8 * 2 * 7 // 8  # 70 choices
    assert NOfM(2, 4).index_bytes((8, 11)) == 8 * (3 + 3 + 2) // 8  # 3 choices of 2 in 3
    assert NOfM(4, 4).index_bytes((8, 16)) == 0


def test_blocks_lie_in_the_matrix_of_a_kernel():
    scores = np.zeros((2, 1, 2, 4), np.float32)  # 4 rows, 4 columns
    scores[1, 0, 0, 3] = 5.0
    scores[0, 0, 1, 1] = 3.0
    assert bits(np.reshape(Block(0.5, (2, 2)).mask(scores), (4, 4))) == [
        [1, 1, 0, 0],
        [1, 1, 0, 0],
        [0, 0, 1, 1],
        [0, 0, 1, 1],
    ]
    assert Block(0.5, (1, 4)).kept((3, 3, 8, 16)) == 576
    assert Block(0.5, (4, 4)).index_bytes((3, 3, 8, 16)) == 9
    assert str(Block(0.5, [1, 4])) == "BLOCK{0.5,1x4}"


def test_a_kernel_lives_or_dies_with_its_spatial_sum():
    scores = np.zeros((3, 3, 2, 2), np.float32)
    scores[..., 0, 1] = 1.0
    scores[1, 1, 1, 0] = 8.0
    mask = np.asarray(Kernel(0.25).mask(scores))
    assert bits(mask.sum(axis=(0, 1))) == [[0, 9], [0, 0]]
    assert Kernel(0.5).kept((3, 3, 2, 2)) == 18
    assert Kernel(0.5).index_bytes((3, 3, 8, 16)) == 16


def test_channels_of_any_axis():
    scores = np.float32([[1, 0, 5], [1, 7, 0]])
    assert bits(Channel(0.5).mask(scores)) == [[0, 1, 1], [0, 1, 1]]  # round(3 * 0.5) = 2
    assert bits(Channel(0.5, axis=0).mask(scores)) == [[0, 0, 0], [1, 1, 1]]
    assert Channel(0.25).kept((3, 3, 8, 16)) == 288


def test_bernoulli_keeps_with_the_probability_of_the_score():
    scores = np.full((100, 1000), 0.3, np.float32)
    scores[:, 0], scores[:, 1] = 0.0, 1.0
    mask = np.asarray(Bernoulli().mask(scores))
    assert not mask[:, 0].any() and mask[:, 1].all()
    # Four standard deviations of the mean of 10^5 draws with p = 0.3 are 0.0058.
    assert abs(mask[:, 2:].mean() - 0.3) < 0.006
    assert np.array_equal(mask, Bernoulli().mask(scores))
    assert np.array_equal(Bernoulli(7).mask(scores), Bernoulli().mask(scores, seed=tf.constant(7)))
    assert not np.array_equal(mask, Bernoulli(7).mask(scores))
    assert Bernoulli.is_random and not TopK.is_random
    assert Bernoulli().index_bytes((3, 3)) == 2


def test_bernoulli_has_no_count_and_no_density():
    with pytest.raises(ConfigError, match=r"`BERN` keeps as many entries as the draw has it. Count the mask."):
        Bernoulli().kept((4,))
    with pytest.raises(ConfigError, match=r"`BERN` has no density of its own: the scores are the probabilities."):
        _ = Bernoulli().density
    with pytest.raises(ConfigError, match=r"`density` has no effect on `BERN`: scale the scores. Received: density=1"):
        Bernoulli().mask([0.5], 1.0)


def test_dense_keeps_everything():
    assert Dense().mask([float("nan"), -1.0]).numpy().all()
    assert Dense().kept((3, 4)) == 12
    assert Dense().density == 1.0
    assert Dense().index_bytes((3, 4)) == 0
    with pytest.raises(ConfigError, match=r"`density` has no effect on `DENSE`; leave it out. Received: density=0.5."):
        Dense().mask([0.5], 0.5)


@pytest.mark.parametrize(
    ("pattern", "shape", "problem"),
    [
        (Block(0.5, (4, 4)), (3, 3, 3, 16), "blocks of 4 x 4 do not divide its 27 rows and 16 columns."),
        (Block(0.5, (1, 4)), (8, 10), "blocks of 1 x 4 do not divide its 8 rows and 10 columns."),
        (Block(0.5, (1, 4)), (8,), "it needs at least two axes."),
        (Kernel(0.5), (8, 16), "it needs the spatial axes of a convolution's kernel before the channels."),
        (Channel(0.5, 2), (8, 16), "it has no axis 2."),
        (NOfM(2, 4, -3), (8, 16), "it has no axis -3."),
        (NOfM(2, 4), (3, 3, 8, 1), "axis -1 has one entry, which would always be kept."),
    ],
)
def test_a_weight_that_does_not_suit_is_refused(pattern, shape, problem):
    for refuse in (lambda: pattern.check(shape, "`conv/kernel`"), lambda: pattern.mask(np.ones(shape))):
        with pytest.raises(ConfigError) as caught:
            refuse()
        assert str(caught.value).startswith(f"`{pattern}` cannot be laid on ")
        assert str(caught.value).endswith(f": {problem} Received: shape={shape}.")


@pytest.mark.parametrize("shape", [(1, 1), (0, 4), (4,)])
def test_blocks_are_of_two_sizes(shape):
    with pytest.raises(ConfigError, match=r"`shape` of a block must be two positive integers, not both 1. Received"):
        Block(0.5, shape)


@pytest.mark.parametrize(("keep", "of"), [(0, 4), (5, 4), (1, 0)])
def test_a_group_keeps_one_at_least_and_not_more_than_it_has(keep, of):
    with pytest.raises(ConfigError, match=rf"A group of {of} must keep 1 to {of} entries. Received: keep={keep}."):
        NOfM(keep, of)
