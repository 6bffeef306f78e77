"""Tests of GELU."""

import numpy as np
import tensorflow as tf

from source.layer.approximation.grammar import approximation
from tests.layer.approximation import half

HALVES = np.arange(0x7C00, dtype=np.uint16).view(np.float16)


def test_every_float16_has_the_bits_of_half_precision_arithmetic():
    x = np.concatenate([HALVES, -HALVES])
    found = approximation("gelu").approximate(tf.constant(x.astype(np.float32)))
    assert np.array_equal(found, half.gelu(x).astype(np.float32))


def test_far_from_zero_it_is_x_or_zero():
    x = np.float32([2.504, 3, 1000, 1e9, np.inf, -2.504, -3, -1000, -1e9, -np.inf])
    found = approximation("gelu").approximate(tf.constant(x)).numpy()
    assert np.array_equal(found[:3], x[:3].astype(np.float16))
    assert found[3:5].tolist() == [65504, 65504]
    assert not found[5:].any()
