"""Tests of weights that are rounded a portion at a time: which entries go first, and that they stay what they are."""

import numpy as np
import pytest
import tensorflow as tf

from source.config.errors import ConfigError
from source.layer.frozen_portions import FrozenPortions
from source.layer.transformation import copies_of
from source.numeric import number_format
from tests.layer.kinds import equal

W = np.array([0.06, -0.11, 0.21, -0.33, 0.505, -0.6, 0.9, -1.3], np.float32)
ROUNDED = [0, -0.125, 0.25, -0.375, 0.5, -0.625, 0.875, -1]


def made(format="fixed<4,1>", shape=W.shape, **settings):
    each = FrozenPortions(format, **settings)
    each.build(shape)
    each.built = True
    return each


def frozen(each):
    return np.asarray(each.frozen).astype(int).tolist()


def test_nothing_changes_at_first():
    each = made()
    assert equal(each(W), W) and each.code_bits is None and each.reached == 0


def test_entries_nearest_to_their_rounding_go_first_by_error():
    each = made(policy="error")
    masks = []
    for portion in (0.25, 0.5, 0.75, 1.0):
        each.freeze(W, portion)
        masks.append(frozen(each))
    assert masks == [[0, 1, 0, 0, 1, 0, 0, 0], [0, 1, 0, 0, 1, 1, 1, 0], [0, 1, 1, 1, 1, 1, 1, 0], [1] * 8]
    assert np.asarray(each(W)).tolist() == ROUNDED


def test_the_largest_go_first_by_magnitude():
    each = made()
    each.freeze(W, 0.5)
    assert frozen(each) == [0, 0, 0, 0, 1, 1, 1, 1]
    assert np.asarray(each(W)).tolist() == W[:4].tolist() + ROUNDED[4:]


def test_random_entries_are_those_of_the_seed():
    def drawn(seed):
        each = made(policy="random", seed=seed, shape=(8, 8))
        each.freeze(np.resize(W, (8, 8)), 0.25)
        return frozen(each)

    assert drawn(0) == drawn(0) != drawn(1)
    assert np.sum(drawn(0)) == 16


def test_powers_of_two_are_those_of_the_paper():
    # n1 = floor(log2(4 * 1.3 / 3)) = 0, and 3 bits have n1 and n1 - 1 and zero.
    each = made("inq<3>")
    each.freeze(W, 1.0)
    assert np.asarray(each(W)).tolist() == [0, 0, 0, -0.5, 0.5, -0.5, 1, -1]
    assert each.code_bits == 3 and each.scale_bytes(W.shape) == 1


@pytest.mark.parametrize("name", ["inq<4>", "int4", "int4<channel>", "BFP[4|8]{4}", "mxfp4", "nf4{8}", "fixed<4,1>"])
@pytest.mark.parametrize("policy", ["magnitude", "error", "random"])
def test_frozen_numbers_stay_whatever_happens_to_the_rest(name, policy):
    draw = np.random.default_rng(0)
    x = draw.normal(size=(8, 8)).astype(np.float32)
    each = made(name, x.shape, policy=policy)
    for portion in (0.25, 0.5, 0.75, 1.0):
        before, mask = np.asarray(each(x)), np.asarray(each.frozen)
        each.freeze(x, portion)
        assert equal(np.asarray(each(x))[mask], before[mask])
        assert np.asarray(each.frozen).sum() == round(64 * portion)
        before, mask = np.asarray(each(x)), np.asarray(each.frozen)
        x = (x * draw.choice([0.25, 4.0], x.shape)).astype(np.float32)
        assert equal(np.asarray(each(x))[mask], before[mask])
        assert equal(np.asarray(each(x))[~mask], x[~mask])
    assert equal(number_format(name).round(each(x)), each(x))


def test_frozen_entries_get_no_gradient():
    each = made()
    each.freeze(W, 0.5)
    x = tf.convert_to_tensor(W)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(each(x, training=True))
    assert np.asarray(tape.gradient(y, x)).tolist() == [1, 1, 1, 1, 0, 0, 0, 0]


def test_zeros_count_on_request_and_stay_zero():
    x = np.where(np.abs(W) < 0.4, np.float32(0.0), W)
    each = made(policy="error")
    each.freeze(x, 0.5)
    assert frozen(each) == [0, 0, 0, 0, 1, 1, 0, 0]
    each = made(policy="error", count_zero=True)
    each.freeze(x, 0.5)
    assert frozen(each) == [1, 1, 1, 1, 0, 0, 0, 0]
    each = made()
    each.freeze(W, 1.0)
    assert np.asarray(each(x)).tolist() == [0, 0, 0, 0, *ROUNDED[4:]]


def test_a_portion_that_was_reached_is_not_frozen_again():
    each = made()
    each.freeze(W, 0.5)
    each.freeze(W[::-1], 0.5)
    assert frozen(each) == [0, 0, 0, 0, 1, 1, 1, 1]


def test_formats_with_means_are_rounded_together_in_the_end():
    x = np.random.default_rng(0).normal(size=(8, 8)).astype(np.float32)
    each = made("ternary", x.shape)
    for portion in (0.5, 1.0):
        each.freeze(x, portion)
        x = x * np.float32(0.5)
    assert len(np.unique(each(x))) == 3


def test_stochastic_rounding_is_that_of_the_seed():
    def rounded(seed):
        each = made("XP[4,3](CSS)", seed=seed)
        each.freeze(W, 1.0)
        return np.asarray(each(W)).tolist()

    assert rounded(0) == rounded(0) != rounded(3)


def test_a_copy_has_the_same_state():
    each = made(policy="error", count_zero=True, seed=3)
    each.freeze(W, 0.5)
    [copied] = copies_of([each])
    assert copied.get_config() == each.get_config() and copied.description == "XP[4,+3](C_N) 0.5 frozen"
    assert equal(copied(W), each(W)) and copied.reached == 0.5


def test_unknown_policies_are_refused():
    with pytest.raises(ConfigError, match=r"`policy` must be magnitude, error or random. Received: policy='least'"):
        FrozenPortions("int8", policy="least")
