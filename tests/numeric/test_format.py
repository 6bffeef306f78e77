"""Tests of what all formats share: the contract suite holds most of it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from source.config.errors import ConfigError, DataError
from source.numeric import number_format
from source.numeric.format import ElementFormat, as_float32, to_numpy
from tests.numeric.formats import NAMES, normal_numbers

ELEMENTS = [name for name in NAMES if isinstance(number_format(name), ElementFormat) and name != "SAME"]


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


@pytest.mark.parametrize("name", [name for name in ELEMENTS if number_format(name).bits <= 16])
def test_the_ends_are_those_of_the_numbers(name):
    values = number_format(name).values()
    assert number_format(name).ends() == (values[0], values[-1])


@pytest.mark.parametrize(
    ("name", "low", "high", "scale"),
    [
        ("XP[8,0](CSN)", -1.0, 2.0, 2 / 127),
        ("fixed<4,4>", -4.0, 3.0, 0.5),  # -8 to 7: the lower limit asks for more
        ("fp8_e4m3fn", -3.0, 1.0, 3 / 448),
        ("FP[0|4|4,7](_N)", -3.0, 1.0, 1 / 496),  # nothing below zero is held
        ("linear_mid_tread_half<2,2>", 0.0, 6.0, 3.0),
        ("codebook<-1,0,0.5>", -1.0, 1.0, 2.0),
        ("pow2<4>", -0.7, 0.5, 0.7),
    ],
)
def test_limits_become_the_ends_of_the_format(name, low, high, scale):
    numeric = number_format(name)
    x = np.linspace(2 * low, 2 * high, 99, dtype=np.float32)
    expected = numeric.round(x * np.float32(1 / np.float32(scale))) * np.float32(scale)
    assert np.array_equal(numeric.round_within(x, np.float32(low), np.float32(high)), expected)
    power = 2.0 ** np.ceil(np.log2(scale))
    found = numeric.round_within(x, np.float32(low), np.float32(high), power_of_two=True)
    assert np.array_equal(found, numeric.round(x / np.float32(power)) * np.float32(power))


@pytest.mark.parametrize("name", ELEMENTS)
def test_channels_have_limits_of_their_own(name):
    numeric, x = number_format(name), normal_numbers((50, 3)) * np.float32([1.0, 5.0, 0.1])
    low, high = x.min(axis=0, keepdims=True), x.max(axis=0, keepdims=True)
    together = numeric.round_within(x, low, high)
    for channel in range(3):
        alone = numeric.round_within(x[:, channel], low[0, channel], high[0, channel])
        assert np.array_equal(together[:, channel], alone, equal_nan=True)


def test_fixed_point_within_limits_is_fixed_point():
    x = normal_numbers()
    found = number_format("XP[8,0](CSN)").round_within(x, x.min(), x.max(), power_of_two=True)
    assert np.array_equal(found, number_format("XP[8,+5](CSN)").round(x))  # 127 / 32 is above 3.2, 127 / 64 below


def test_float32_within_limits_is_float32():
    x = normal_numbers()
    assert np.array_equal(number_format("SAME").round_within(x, -1.0, 1.0), x)


def test_within_limits_a_seed_is_needed_as_elsewhere():
    with pytest.raises(ConfigError, match=r"Stochastic rounding needs `seed`"):
        number_format("fp8_e4m3fn(_S)").round_within(normal_numbers(), -1.0, 1.0)


@pytest.mark.parametrize("name", ["XP[8,0](CSN)", "fp8_e4m3fn", "log<4>"])
@pytest.mark.parametrize("compiled", [False, True])
def test_within_limits_in_a_graph(name, compiled):
    numeric, x = number_format(name), normal_numbers()
    rounded = tf.function(numeric.round_within, jit_compile=compiled)
    found = rounded(tf.constant(x), tf.constant(-1.3), tf.constant(0.9))
    assert np.array_equal(found, numeric.round_within(x, np.float32(-1.3), np.float32(0.9)))
