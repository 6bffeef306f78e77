"""Tests of the exponential function."""

import numpy as np
import pytest
import tensorflow as tf

from source.layer.approximation.exponential import split_exponential
from source.layer.approximation.grammar import approximation
from tests.layer.approximation import half

HALVES = np.arange(0x7800, dtype=np.uint16).view(np.float16)  # all below 32768
EVERY = np.concatenate([HALVES, -HALVES]).astype(np.float32)


@pytest.mark.parametrize("algorithm", ["poly2", "base2"])
def test_every_float16_has_the_bits_of_half_precision_arithmetic(algorithm):
    found = approximation(f"exp<{algorithm},float16>").approximate(tf.constant(EVERY)).numpy()
    assert np.array_equal(found, half.exponential(EVERY, algorithm).astype(np.float32))
    fraction, exponent = split_exponential(tf.constant(EVERY), algorithm, "float16")
    expected = half.split_exponential(EVERY, algorithm)
    assert np.array_equal(fraction, expected[0].astype(np.float32))
    assert np.array_equal(exponent, expected[1].astype(np.float32))


def test_the_polynomial_in_integers():
    x = np.linspace(-20, 20, 4001, dtype=np.float32)
    k = np.rint(x * np.float32(1.4427))
    r = np.rint((x - k * np.float32(0.69315)).astype(np.float64) * 2**14)
    product = np.float32(np.rint(16631 + 0.5 * r)) * np.float32(r)  # float32 carries it, and rounds above 2^24
    y = (2**14 + np.rint(product.astype(np.float64) / 2**14)) / 2**14
    fraction, exponent = split_exponential(tf.constant(x), "poly2", "int")
    assert np.array_equal(exponent, k)
    assert np.array_equal(fraction, y.astype(np.float32))


def test_the_line_in_integers():
    x = np.linspace(-20, 20, 4001, dtype=np.float32)
    z = x * np.float32(23637 / 2**14)
    k = np.floor(z)
    y = np.rint((z - k).astype(np.float64) * 2**14) / 2**14 + 15679 / 2**14
    fraction, exponent = split_exponential(tf.constant(x), "base2", "int")
    assert np.array_equal(exponent, k)
    assert np.array_equal(fraction, y.astype(np.float32))


def test_known_values():
    assert approximation("exp<poly2,float32>")(0.0) == 1.0
    assert approximation("exp<base2,float32>")(0.0) == np.float32(0.957)
    assert approximation("exp<base2,int>")(0.0) == 15679 / 2**14


def test_bfloat16_has_eight_bits():
    found = approximation("exp<poly2,bfloat16>").approximate(tf.constant(EVERY)).numpy()
    assert not (found.view(np.uint32) & 0xFFFF).any()


@pytest.mark.parametrize(
    ("numbers", "largest"),
    [("float16", 65504.0), ("bfloat16", 3.3895313892515355e38), ("float32", 3.4028234663852886e38)],
)
@pytest.mark.parametrize("algorithm", ["poly2", "base2"])
def test_beyond_the_range_it_saturates(algorithm, numbers, largest):
    found = approximation(f"exp<{algorithm},{numbers}>").approximate(
        tf.constant([-np.inf, -1e9, -200.0, 200.0, 1e9, 3e38, np.inf])
    )
    assert found.numpy().tolist() == [0, 0, 0, *[np.float32(largest)] * 4]
