"""Tests of integer pools."""

import dataclasses

import numpy as np
import pytest

from source.config.errors import DataError
from source.exporter.integer.pooling import AveragePooling, MaxPooling
from source.exporter.integer.requantization import quantized_multipliers
from source.exporter.integer.tensor import Codes

SOURCE = Codes("x", (2, 3, 1), -128, 127, 1.0, -128)
GIVEN = np.array([1, 5, -128, 4, 2, 127], np.int8).reshape(1, 2, 3, 1)


def test_the_largest_of_each_window_with_margins_of_the_smallest_code():
    target = dataclasses.replace(SOURCE, name="y", shape=(1, 2, 1))
    pool = MaxPooling("p", ("x",), "y", (2, 2), (2, 2), (0, 0, 0, 1))
    pool.check([SOURCE], target)
    assert pool.run([GIVEN], [SOURCE], target, "single").ravel().tolist() == [5, 127]
    assert pool.largest([SOURCE]) == 0


def test_means_count_only_what_is_there():
    target = dataclasses.replace(SOURCE, name="y", shape=(1, 2, 1))
    multipliers, shifts = quantized_multipliers([1 / 4, 1 / 2])
    shape = (1, 2, 1)
    pool = AveragePooling(
        "p", ("x",), "y", multipliers.reshape(shape), shifts.reshape(shape), (-128, 127), (2, 2), (2, 2), (0, 0, 0, 1)
    )
    pool.check([SOURCE], target)
    # (1 + 5 + 4 + 2) / 4 = 3, and (-128 + 127) / 2 = -0.5, from where ties go upwards.
    assert pool.run([GIVEN], [SOURCE], target, "single").ravel().tolist() == [3, 0]
    assert pool.largest([SOURCE]) == 4 * 255


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"window": (0, 2)}, "positive windows and strides"),
        ({"strides": (2, 0)}, "positive windows and strides"),
        ({"margins": (-1, 0, 0, 0)}, "positive windows and strides"),
        ({"margins": (0, 2, 0, 0)}, "margins narrower than windows"),
        ({"window": (4096, 2)}, "windows below 4096"),
    ],
)
def test_windows_that_cannot_be_are_refused(change, message):
    target = dataclasses.replace(SOURCE, name="y", shape=(1, 2, 1))
    pool = dataclasses.replace(MaxPooling("p", ("x",), "y", (2, 2), (2, 2), (0, 0, 0, 1)), **change)
    with pytest.raises(DataError, match=f"p: expected {message}"):
        pool.check([SOURCE], target)


def test_pools_refuse_what_is_no_map_and_other_scales():
    pool = MaxPooling("p", ("x",), "y", (1, 1), (1, 1), (0, 0, 0, 0))
    flat = dataclasses.replace(SOURCE, shape=(6,))
    with pytest.raises(DataError, match="p: expected maps"):
        pool.check([flat], flat)
    with pytest.raises(DataError, match="inputs and output with the same codes"):
        pool.check([SOURCE], dataclasses.replace(SOURCE, scale=2.0))
    factors = quantized_multipliers([0.5, 0.5])
    mean = AveragePooling("p", ("x",), "y", *factors, (-128, 127), (1, 1), (1, 1), (0, 0, 0, 0))
    with pytest.raises(DataError, match="a factor for each place"):
        mean.check([SOURCE], SOURCE)
