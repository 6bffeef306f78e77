"""Tests of what all formats share: the contract suite holds most of it."""

import keras
import numpy as np
import pytest

from source.config.errors import DataError
from source.numeric import number_format
from source.numeric.format import as_float32, to_numpy


def test_variables_and_numbers_are_rounded():
    numeric = number_format("XP[4,0](CSN)")
    assert numeric.round(2.6) == 3.0
    variable = keras.Variable(np.float32([2.6, -9]))
    assert np.asarray(numeric.round(variable)).tolist() == [3.0, -7.0]


def test_half_precision_becomes_float32():
    x = keras.ops.cast(keras.ops.convert_to_tensor([1.5]), "bfloat16")
    assert keras.backend.standardize_dtype(as_float32(x).dtype) == "float32"
    assert to_numpy(x).dtype == np.float32


def test_symbolic_tensors_are_refused():
    with pytest.raises(DataError, match=r"let a layer do it in its `call`. Received: a symbolic tensor."):
        number_format("int8").round(keras.Input((3,)))


def test_a_layer_rounds_in_its_call():
    class Rounded(keras.layers.Layer):
        def call(self, inputs):
            return number_format("mxfp4").round(inputs)

    inputs = keras.Input((64,))
    x = np.linspace(-3, 3, 128, dtype=np.float32).reshape(2, 64)
    model = keras.Model(inputs, Rounded()(inputs))
    assert np.array_equal(model(x), number_format("mxfp4").round(x))
