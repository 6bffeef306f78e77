"""Tests of formats with scales: the contract suite holds most of it."""

import numpy as np
import pytest
import tensorflow as tf

from source.config.errors import ConfigError
from source.numeric import number_format
from tests.numeric.formats import normal_numbers


def test_blocks_along_an_inner_axis():
    x = normal_numbers((3, 40, 5))
    numeric = number_format("BFP[8|8]{16}(SN)")
    moved = np.moveaxis(numeric.round(np.ascontiguousarray(np.moveaxis(x, 1, 2))), 2, 1)
    assert np.array_equal(numeric.round(x, axis=1), moved)
    assert numeric.nbytes((3, 40, 5), axis=1) == 3 * 3 * 5 + 600


def test_a_block_longer_than_the_axis_is_the_axis():
    x = normal_numbers((4, 5))
    assert np.array_equal(number_format("mxfp4").round(x), number_format("mxfp4{5}").round(x))


def test_a_single_number_has_no_axis():
    assert number_format("int8").round(np.float32(3.0)) == 3.0
    with pytest.raises(ConfigError, match=r"`axis` must be in \[0, 0\) for 0 axes. Received: axis=-1."):
        number_format("mxfp4").round(np.float32(3.0))


def test_the_axis_of_blocks_must_have_a_known_length():
    @tf.function(autograph=False, input_signature=[tf.TensorSpec((2, None), tf.float32)])
    def rounded(x):
        return number_format("mxfp4").round(x)

    with pytest.raises(ConfigError, match=r"length of the axis of blocks must be known. Received: shape=.*, axis=1."):
        rounded.get_concrete_function()
