"""Tests of integer convolutions and dense layers, against sums written as loops."""

import dataclasses

import numpy as np
import pytest

from source.config.errors import DataError
from source.exporter.integer.products import Convolution, Dense, DepthwiseConvolution
from source.exporter.integer.requantization import quantized_multipliers
from source.exporter.integer.tensor import Codes

random = np.random.default_rng(0)


def factors(channels, factor=0.01):
    return quantized_multipliers([factor] * channels)


def dense(weights, bias, headroom=0, limits=(-128, 127)):
    channels = weights.shape[1]
    return Dense("d", ("x",), "y", *factors(channels), limits, weights, bias, np.full(channels, headroom, np.int32))


def test_a_dense_layer_by_hand():
    source, target = Codes("x", (2,), -128, 127, 1.0, 3), Codes("y", (1,), -128, 127, 1.0, -5)
    layer = dense(np.array([[100], [-50]], np.int8), np.array([40], np.int32))
    # (13 - 3) * 100 + (1 - 3) * -50 + 40 = 1140, of which 0.01 is 11.4; -5 of zero point.
    assert layer.run([np.array([[13, 1]], np.int8)], [source], target, "single").tolist() == [[6]]
    # The lowest code times 100 and the highest times -50, before the bias is added.
    assert layer.largest([source]) == 131 * 100 + 124 * 50
    layer.check([source], target)


def test_headroom_holds_a_bias_more_finely():
    source = target = Codes("x", (1,), 0, 3, 1.0, 0)
    coarse = dense(np.array([[1]], np.int8), np.array([0], np.int32), limits=(0, 3))
    fine = dense(np.array([[1]], np.int8), np.array([6], np.int32), headroom=2, limits=(0, 3))
    fine = dataclasses.replace(fine, **dict(zip(("multiplier", "shift"), factors(1, 0.25), strict=True)))
    coarse = dataclasses.replace(coarse, **dict(zip(("multiplier", "shift"), factors(1, 1.0), strict=True)))
    given = [np.array([[0], [1], [2]], np.uint8)]
    assert coarse.run(given, [source], target, "single").ravel().tolist() == [0, 1, 2]
    # The bias is 6 quarters: 1.5, a tie, goes upwards.
    assert fine.run(given, [source], target, "single").ravel().tolist() == [2, 3, 3]


def looped_convolution(x, weights, strides, dilation, margins, groups):
    top, bottom, left, right = margins
    x = np.pad(x.astype(np.int64), ((0, 0), (top, bottom), (left, right), (0, 0)))
    rows, columns, inputs, outputs = weights.shape
    height = (x.shape[1] - (rows - 1) * dilation[0] - 1) // strides[0] + 1
    width = (x.shape[2] - (columns - 1) * dilation[1] - 1) // strides[1] + 1
    y = np.zeros((len(x), height, width, outputs), np.int64)
    for b, i, j, o in np.ndindex(*y.shape):
        first = o // (outputs // groups) * inputs
        for r, c, k in np.ndindex(rows, columns, inputs):
            at = i * strides[0] + r * dilation[0], j * strides[1] + c * dilation[1]
            y[b, i, j, o] += x[b, at[0], at[1], first + k] * int(weights[r, c, k, o])
    return y


@pytest.mark.parametrize(
    ("strides", "dilation", "margins", "groups"),
    [
        ((1, 1), (1, 1), (0, 0, 0, 0), 1),
        ((2, 1), (1, 1), (1, 1, 0, 1), 1),
        ((1, 1), (2, 3), (1, 0, 2, 2), 2),
        ((3, 2), (1, 1), (0, 2, 1, 0), 4),
    ],
)
def test_sums_of_convolutions_equal_loops(strides, dilation, margins, groups):
    x = random.integers(-255, 256, (2, 6, 8, 4)).astype(np.int32)
    weights = random.integers(-128, 128, (2, 3, 4 // groups, 8)).astype(np.int8)
    layer = Convolution(
        "c", ("x",), "y", *factors(8), (-128, 127), weights, np.zeros(8, np.int32), np.zeros(8, np.int32),
        strides, dilation, margins, groups,
    )  # fmt: skip
    assert np.array_equal(layer.sums(x), looped_convolution(x, weights, strides, dilation, margins, groups))


def test_sums_of_depthwise_convolutions_equal_those_of_groups():
    x = random.integers(-255, 256, (2, 5, 6, 3)).astype(np.int32)
    weights = random.integers(-128, 128, (2, 3, 3, 2)).astype(np.int8)
    layer = DepthwiseConvolution(
        "c", ("x",), "y", *factors(6), (-128, 127), weights, np.zeros(6, np.int32), np.zeros(6, np.int32),
        (2, 1), (1, 1), (1, 0, 0, 1),
    )  # fmt: skip
    expected = looped_convolution(x, weights.reshape(2, 3, 1, 6), (2, 1), (1, 1), (1, 0, 0, 1), 3)
    assert np.array_equal(layer.sums(x), expected)


def test_sums_beyond_float32_are_exact():
    weights = np.full((3000, 1), 127, np.int8)
    x = np.full((1, 3000), 255, np.int32)
    x[0, 0] = 254  # float32 would lose the difference: 3000 * 127 * 255 > 2^24
    layer = dense(weights, np.zeros(1, np.int32))
    assert layer.sums(x).item() == 3000 * 127 * 255 - 127


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": np.zeros((2, 1), np.float32)}, "weights of int8 or int16"),
        ({"weights": np.zeros((3, 1), np.int8)}, "as many weights as codes"),
        ({"bias": np.zeros(1, np.int8)}, "an int32 bias for each channel"),
        ({"headroom": np.full(1, 25, np.int32)}, "0 to 24 bits of it"),
        ({"headroom": np.zeros(2, np.int32)}, "an int32 headroom for each channel"),
        ({"multiplier": np.full(1, -1, np.int32)}, "multipliers that are not negative"),
        ({"multiplier": np.ones(1, np.int64)}, "multipliers and shifts of int32"),
        ({"shift": np.full(1, 31, np.int32)}, r"shifts in \[-62, 30\]"),
        ({"shift": np.zeros(2, np.int32)}, "a shift for each multiplier"),
        ({"limits": (-129, 0)}, "limits within the codes of the output"),
    ],
)
def test_layers_that_cannot_be_are_refused(change, message):
    source, target = Codes("x", (2,), -128, 127, 1.0, 3), Codes("y", (1,), -128, 127, 1.0, -5)
    layer = dense(np.ones((2, 1), np.int8), np.zeros(1, np.int32))
    layer.check([source], target)
    with pytest.raises(DataError, match=f"d: expected .*{message}"):
        dataclasses.replace(layer, **change).check([source], target)
