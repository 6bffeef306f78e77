"""Tests of rounding after clipping."""

import keras
import numpy as np
import pytest

from source.layer.clipped_quantize import ClippedQuantize
from source.numeric import number_format
from tests.layer.kinds import equal

X = np.append(np.random.default_rng(0).normal(0.0, 1.0, (63, 8)), np.full((1, 8), 6.0), axis=0).astype(np.float32)


def error(each: ClippedQuantize) -> float:
    return float(np.square(keras.ops.convert_to_numpy(each(X)) - X).sum())


@pytest.mark.parametrize("name", ["int3", "int3<channel>", "BFP[4|8]{8}", "fixed<4,2>", "uint4<channel>"])
def test_limits_are_infinite_until_those_of_the_least_error_are_chosen(name):
    each, format = ClippedQuantize(name), number_format(name)
    assert equal(each(X), format.round(X, axis=-1))
    before = error(each)
    each.calibrate(X)
    limits = keras.ops.convert_to_numpy(each.limits)
    assert equal(each(X), format.round(np.clip(X, -limits, limits), axis=-1))
    assert error(each) < before if name.startswith("int3") else error(each) <= before


@pytest.mark.parametrize(
    ("name", "shape"), [("int3", (1, 1)), ("int3<channel>", (1, 8)), ("BFP[4|8]{8}", (64, 8)), ("fixed<4,2>", (1, 1))]
)
def test_there_is_a_limit_for_what_shares_a_scale(name, shape):
    each = ClippedQuantize(name)
    each.build(X.shape)
    assert tuple(each.limits.shape) == shape
    assert each.description == f"{number_format(name)} clipped"
    assert each.code_bits == number_format(name).bits


def test_channels_lie_along_the_axis():
    each = ClippedQuantize("int3<channel>", axis=0)
    each.build(X.shape)
    assert tuple(each.limits.shape) == (64, 1)
    each.calibrate(X)
    assert equal(each(X)[-1], np.full(8, 6.0, np.float32))  # the last row has one magnitude, which needs no clipping


def test_it_is_read_back_from_its_configuration():
    config = ClippedQuantize("int4<channel>", axis=-2).get_config()
    again = ClippedQuantize.from_config(config)
    assert (str(again.format), again.axis) == ("int4<channel>", -2)
