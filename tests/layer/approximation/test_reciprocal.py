"""Tests of reciprocals and reciprocal square roots."""

import numpy as np
import tensorflow as tf

from source.layer.approximation.grammar import approximation
from source.layer.approximation.reciprocal import reciprocal, reciprocal_root
from tests.layer.approximation import half

HALVES = np.arange(0x7C00, dtype=np.uint16).view(np.float16)  # all that are finite


def test_every_reciprocal_has_the_bits_of_half_precision_arithmetic():
    expected = half.reciprocal(HALVES).astype(np.float32)
    assert np.array_equal(reciprocal(tf.constant(HALVES.astype(np.float32))), expected)


def test_every_root_has_the_bits_of_half_precision_arithmetic():
    expected = half.reciprocal_root(HALVES).astype(np.float32)
    assert np.array_equal(reciprocal_root(tf.constant(HALVES.astype(np.float32)), "float16"), expected)


def test_roots_in_float32_have_the_bits_of_its_arithmetic():
    x = np.exp(np.random.default_rng(0).uniform(-60, 60, 5000)).astype(np.float32)
    found = reciprocal_root(tf.constant(x), "float32")
    assert np.array_equal(found, half.reciprocal_root32(x))
    compiled = tf.function(lambda x: reciprocal_root(x, "float32"), jit_compile=True)(tf.constant(x))
    assert np.array_equal(found, compiled)


def test_signs_zero_and_what_is_no_number():
    x = tf.constant([4.0, -4.0, 0.0, 1e9, -np.inf, np.nan])
    found = approximation("reciprocal").approximate(x).numpy()
    assert found[:5].tolist() == [-found[1], found[1], 62720, 0, 0]
    assert np.isnan(found[5])
    found = approximation("rsqrt").approximate(tf.constant([0.0, -1.0, np.nan])).numpy()
    assert found[0] == np.float32(half.reciprocal_root(np.zeros(1, np.float16))[0])
    assert np.isnan(found[1:]).all()
