"""Tests of sigmoid, SiLU and the hyperbolic tangent."""

import numpy as np
import pytest
import tensorflow as tf

from source.config.errors import UnknownNameError
from source.layer.approximation.grammar import approximation
from tests.layer.approximation import half

H = np.float16
HALVES = np.arange(0x7C00, dtype=np.uint16).view(H)
EVERY = np.concatenate([HALVES, -HALVES])


def sigmoid(x: np.ndarray, algorithm: str) -> np.ndarray:
    power = half.exponential(-np.abs(x), algorithm)
    return np.where(x < 0, power, H(1)) / (H(1) + power)


@pytest.mark.parametrize("algorithm", ["poly2", "base2"])
def test_every_sigmoid_and_silu_has_the_bits_of_half_precision_arithmetic(algorithm):
    x = tf.constant(EVERY.astype(np.float32))
    expected = sigmoid(EVERY, algorithm)
    assert np.array_equal(approximation(f"sigmoid<{algorithm},float16>").approximate(x), expected.astype(np.float32))
    product = (EVERY * expected).astype(np.float32)
    assert np.array_equal(approximation(f"silu<{algorithm},float16>").approximate(x), product)


def test_every_tangent_has_the_bits_of_half_precision_arithmetic():
    with np.errstate(over="ignore"):
        power = half.exponential(np.maximum(H(-2) * np.abs(EVERY), H(-65504)), "poly2")
    expected = np.copysign((H(1) - power) / (H(1) + power), EVERY).astype(np.float32)
    assert np.array_equal(approximation("tanh").approximate(tf.constant(EVERY.astype(np.float32))), expected)


def test_they_end_where_the_exact_ones_do():
    ends = tf.constant([-np.inf, np.inf, 0.0])
    assert approximation("sigmoid").approximate(ends).numpy().tolist() == [0, 1, 0.5]
    assert approximation("tanh").approximate(ends).numpy().tolist() == [-1, 1, 0]
    assert approximation("silu").approximate(ends).numpy().tolist() == [0, 65504, 0]
    assert approximation("silu<poly2,float32>").approximate(ends).numpy()[0] == 0


def test_a_tangent_with_a_step_at_zero_is_not_offered():
    with pytest.raises(UnknownNameError, match="no algorithm `base2` of `tanh`"):
        approximation("tanh<base2,float16>")
