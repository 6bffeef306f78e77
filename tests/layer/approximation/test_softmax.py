"""Tests of softmax."""

import numpy as np
import pytest
import tensorflow as tf

from source.layer.approximation.grammar import approximation
from source.layer.approximation.softmax import without_infinity
from tests.layer.approximation import half
from tests.layer.approximation.test_operator import gradient

ALGORITHMS = ("poly2", "base2", "base2quake3")


@pytest.mark.parametrize("shape", [(32, 10), (16, 128), (4, 2048), (2, 9000)])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_it_has_the_bits_of_half_precision_arithmetic(algorithm, shape):
    x = half.logits(shape)
    found = approximation(f"softmax<{algorithm},float16>").approximate(tf.constant(x))
    assert np.array_equal(found, half.softmax(x, algorithm).astype(np.float32))


@pytest.mark.parametrize("axis", [0, 1, 2, -2])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_any_axis(algorithm, axis):
    x = half.logits((6, 7, 8))
    found = approximation(f"softmax<{algorithm},float16>").approximate(tf.constant(x), axis=axis)
    assert np.array_equal(found, half.softmax(x, algorithm, axis).astype(np.float32))


def test_several_axes():
    x, function = half.logits((3, 4, 5)), approximation("softmax")
    found = function(x, axis=(1, 2)).numpy()
    assert np.array_equal(found.reshape(3, 20), function(x.reshape(3, 20)))
    np.testing.assert_allclose(
        function.exact(x, axis=(1, 2)), tf.nn.softmax(x.reshape(3, 20)).numpy().reshape(3, 4, 5), rtol=1e-5
    )


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("mask", [-1e9, -np.inf, -3e4, -3e38])
def test_masked_numbers_get_zero_and_change_nothing(algorithm, mask):
    x = half.logits((8, 32))
    masked = np.concatenate([x, np.full((8, 7), mask, np.float32)], axis=1)
    found = approximation(f"softmax<{algorithm},float16>")(masked).numpy()
    assert np.array_equal(found[:, :32], approximation(f"softmax<{algorithm},float16>")(x))
    assert not found[:, 32:].any()


@pytest.mark.parametrize("name", ["softmax", "softmax<poly2,int>", "softmax<base2quake3,float16>"])
def test_rows_of_masks_alone_get_equal_shares_and_finite_gradients(name):
    x = np.full((2, 8), -np.inf, np.float32)
    assert np.allclose(approximation(name)(x), 1 / 8, rtol=5e-3)  # the bound of the reciprocal
    assert np.isfinite(gradient(approximation(name), x)).all()


def test_infinity_is_replaced_in_every_type():
    for dtype in (tf.float16, tf.bfloat16, tf.float32, tf.float64):
        found = without_infinity(tf.constant([-np.inf, 1.0, np.inf], dtype))
        assert found.dtype == dtype
        assert tf.math.is_finite(tf.cast(found, tf.float64)).numpy().tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("name", "bound"),
    # What rounding the shares to 11 and 8 bits leaves, and an approximate reciprocal; measured and rounded up.
    [
        ("softmax<poly2,float16>", 6e-4),
        ("softmax<base2,float16>", 6e-4),
        ("softmax<poly2,bfloat16>", 4.7e-3),
        ("softmax<base2,bfloat16>", 4.7e-3),
        ("softmax<base2quake3,float16>", 4.7e-3),
        ("softmax<poly2,int>", 1e-6),
    ],
)
def test_rows_sum_to_about_one(name, bound):
    for shape in ((16, 128), (4, 2048)):
        sums = approximation(name)(half.logits(shape)).numpy().astype(np.float64).sum(axis=-1)
        assert np.abs(sums - 1).max() <= bound


def test_the_order_of_equal_numbers_does_not_matter():
    x = half.logits((4, 1000))
    order = np.random.default_rng(1).permutation(1000)
    for name in ("softmax<base2,float32>", "softmax<poly2,bfloat16>"):
        assert np.array_equal(approximation(name)(x).numpy()[:, order], approximation(name)(x[:, order]))


@pytest.mark.parametrize("algorithm", ["poly2", "base2"])
def test_float32_is_within_two_units_of_plain_float32(algorithm):
    x = half.logits((8, 200))
    if algorithm == "poly2":
        k = np.rint(x * np.float32(1.4427))
        r = x - k * np.float32(0.69315)
        y = np.float32(1) + (np.float32(1.015082) + np.float32(0.503765) * r) * r
    else:
        z = x * np.float32(1.4426950408889634)
        k = np.floor(z)
        y = (z - k) + np.float32(0.957)
    e = y * np.exp2(k - k.max(axis=-1, keepdims=True))
    expected = e / e.sum(axis=-1, keepdims=True)
    # One unit in the last place of the sum, whose order of summation is another, and one of the quotient.
    np.testing.assert_allclose(approximation(f"softmax<{algorithm},float32>")(x), expected, rtol=2.4e-7)
