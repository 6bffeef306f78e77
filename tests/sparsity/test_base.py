"""Tests of what patterns share; the contract suite holds every pattern to more."""

import inspect

import numpy as np
import pytest
import tensorflow as tf

from source.config.errors import ConfigError
from source.sparsity._count import share
from source.sparsity.base import GroupPattern, Pattern
from source.sparsity.pattern import Block, Channel, Kernel, TopK


@pytest.mark.parametrize("made", [TopK, Block, Kernel, Channel])
@pytest.mark.parametrize("density", [0.0, -0.5, 3, float("nan")])
def test_a_density_of_its_own_is_positive(made, density):
    with pytest.raises(ConfigError, match=rf"`density` must be in \(0, 1\]. Received: density={density}."):
        made(density)


def test_bases_are_abstract():
    for base in (Pattern, GroupPattern):
        assert inspect.isabstract(base)


@pytest.mark.parametrize(
    ("total", "density", "kept"),
    [
        (10, 0.35, 4),  # 3.4999999999999996 in binary numbers
        (10, 0.9, 9),
        (5, 0.1, 1),
        (5, 0.09, 0),
        (200, 0.145, 29),
        (430500, 3859 / 430500, 3859),
        (2_000_000_000, 0.500001, 1_000_002_000),
        (2_147_483_647, 0.999999, 2_147_481_500),
        (2_147_483_647, 1.0, 2_147_483_647),
        (0, 0.5, 0),
    ],
)
def test_halves_of_a_count_go_up_and_no_entry_is_lost_to_rounding(total, density, kept):
    assert share(total, density) == kept
    assert share(total, np.float32(density)) == kept or density == 3859 / 430500
    counted = tf.function(lambda density: share(total, density), jit_compile=True)(tf.constant(density))
    assert counted == kept
    assert counted.dtype == tf.int32


def test_a_tensor_counts_in_millionths():
    for total in (1, 999, 1_000_003, 1_999_999_999):
        for millionths in (0, 1, 499_999, 500_000, 123_456, 999_999, 1_000_000):
            exact = (total * millionths + 500_000) // 1_000_000
            assert share(total, tf.constant(millionths / 1e6)) == exact
    assert share(10_000_000, tf.constant(0.12345678)) == 1_234_570


def test_a_tensor_beyond_the_ends_counts_as_the_end():
    assert share(10, tf.constant(-0.5)) == 0
    assert share(10, tf.constant(1.5)) == 10
