"""Tests of rounding to three trained numbers."""

import numpy as np
import pytest
import tensorflow as tf

from source.config.errors import ConfigError
from source.layer.trained_ternary import TrainedTernary
from source.layer.transformation import copies_of
from tests.layer.kinds import equal

W = np.float32([[1.0, 0.5, -0.25, 0.03], [-0.75, 0.04, 0.25, -0.01]])


def made(x=W, **settings):
    each = TrainedTernary(**settings)
    each.build(x.shape)
    each.built = True
    each.calibrate(x)
    return each


def test_numbers_begin_as_the_means_of_both_sides():
    # d = 0.05: above are 1, 0.5 and 0.25, below -0.25 and -0.75.
    each = made()
    p, q = np.float32(1.75 / 3), np.float32(0.5)
    assert equal(each(W), np.float32([[p, p, -q, 0], [-q, 0, p, 0]]))
    assert each.code_bits == 2 and each.scale_bytes(W.shape) == 8


def test_the_threshold_says_what_is_zero():
    assert np.asarray(made(threshold=0.3)(W)).tolist() == [[0.75, 0.75, 0, 0], [-0.75, 0, 0, 0]]


def test_channels_may_have_numbers_of_their_own():
    each = made(axis=-1, threshold=0.1)
    assert each.positive.shape == (1, 4) and each.scale_bytes(W.shape) == 32
    expected = np.float32([[1, 0.5, -0.25, 0.03], [-0.75, 0, 0.25, -0.01]])
    assert equal(each(W), expected)


def test_weights_and_numbers_train():
    each = made()
    x = tf.convert_to_tensor(W)
    weights = tf.constant([[1.0, 2.0, 4.0, 8.0], [16.0, 32.0, 64.0, 128.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(each(x, training=True) * weights)
    of_x, of_positive, of_negative = tape.gradient(y, [x, each.positive.value, each.negative.value])
    p, q = float(each.positive), float(each.negative)
    assert np.asarray(of_x) == pytest.approx(np.float32([[p, 2 * p, 4 * q, 8], [16 * q, 32, 64 * p, 128]]))
    assert float(of_positive) == pytest.approx((1 + 2 + 64) / np.sqrt(8))
    assert float(of_negative) == pytest.approx(-(4 + 16) / np.sqrt(8))


def test_a_weight_of_one_side_has_no_numbers_on_the_other():
    assert np.asarray(made(np.abs(W))(np.abs(W))).min() == 0


def test_a_copy_has_the_same_state():
    each = made(axis=-1, threshold=0.1)
    [copied] = copies_of([each])
    assert copied.get_config() == each.get_config() and equal(copied(W), each(W))
    assert each.description == "ternary learned scales"


def test_other_thresholds_are_refused():
    with pytest.raises(ConfigError, match=r"`threshold` must be in \[0, 1\). Received: threshold=1.0."):
        TrainedTernary(threshold=1.0)
