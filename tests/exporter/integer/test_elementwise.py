"""Tests of sums, other scales and other shapes of codes."""

import dataclasses

import numpy as np
import pytest

from source.config.errors import DataError
from source.exporter.integer.elementwise import Addition, Concatenation, Padding, Requantization, Reshaping
from source.exporter.integer.requantization import quantized_multipliers
from source.exporter.integer.tensor import Codes

A = Codes("a", (4,), -128, 127, 0.5, 10)
B = Codes("b", (4,), -128, 127, 0.25, -3)
Y = Codes("y", (4,), -128, 127, 1.0, 2)


def addition(limits=(-128, 127), shift=20):
    source = quantized_multipliers([0.5, 0.25])  # of 1, twice the larger scale
    result = quantized_multipliers([1.0 / (1.0 * 2.0**shift)])
    return Addition("sum", ("a", "b"), "y", *result, limits, shift, *source)


def test_a_sum_by_hand():
    given = [np.array([12, 10, 127, -128], np.int8), np.array([-3, 1, 127, -128], np.int8)]
    # 1 + 0; 0 + 1; 58.5 + 32.5; -69 - 31.25, from which 2 of zero point are up.
    addition().check([A, B], Y)
    assert addition().run(given, [A, B], Y, "single").tolist() == [3, 3, 93, -98]
    assert addition((2, 50)).run(given, [A, B], Y, "single").tolist() == [3, 3, 50, 2]
    assert addition().largest([A, B]) == 138 << 20


def test_all_pairs_of_codes_are_within_half_a_step_of_the_real_sum():
    codes = np.arange(-128, 128, dtype=np.int8)
    first, second = (each.ravel() for each in np.meshgrid(codes, codes))
    real = (first.astype(float) - 10) * 0.5 + (second.astype(float) + 3) * 0.25
    expected = np.clip(np.floor(real + 0.5) + 2, -128, 127)
    assert np.array_equal(addition().run([first, second], [A, B], Y, "single"), expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"left_shift": 25}, "a left shift of 0 to 24 bits"),
        ({"source_multiplier": np.ones(3, np.int32)}, "two source factors"),
        ({"source_shift": np.ones(2, np.int32)}, "source factors of at most one half"),
        ({"source_multiplier": np.full(2, (1 << 30) + 1, np.int32), "source_shift": np.zeros(2, np.int32)}, "one half"),
    ],
)
def test_sums_that_cannot_be_are_refused(change, message):
    with pytest.raises(DataError, match=f"sum: expected .*{message}"):
        dataclasses.replace(addition(), **change).check([A, B], Y)
    with pytest.raises(DataError, match="two inputs of one shape"):
        addition().check([A, dataclasses.replace(B, shape=(3,))], Y)


def test_another_scale_by_hand():
    operation = Requantization("r", ("a",), "y", *quantized_multipliers([0.5]), (2, 127))
    operation.check([A], Y)
    # 0.5 * (13 - 10) = 1.5, a tie, becomes 2; 2 of zero point. What is below zero is cut off.
    assert operation.run([np.array([[13, 12, 9]], np.int8)], [A], Y, "single").tolist() == [[4, 3, 2]]


def test_several_factors_are_refused():
    two = quantized_multipliers([0.5, 0.5])
    with pytest.raises(DataError, match="r: expected one factor"):
        Requantization("r", ("a",), "y", *two, (2, 127)).check([A], Y)
    with pytest.raises(DataError, match="sum: expected one factor"):
        dataclasses.replace(addition(), multiplier=two[0], shift=two[1]).check([A, B], Y)


def test_codes_are_joined_reshaped_and_padded():
    x = np.arange(4, dtype=np.int8).reshape(1, 4)
    joined = dataclasses.replace(A, name="y", shape=(8,))
    operation = Concatenation("c", ("a", "a"), "y", 1)
    operation.check([A, A], joined)
    assert operation.run([x, x], [A, A], joined, "single").tolist() == [[0, 1, 2, 3, 0, 1, 2, 3]]
    square = dataclasses.replace(A, name="y", shape=(2, 2))
    reshaping = Reshaping("s", ("a",), "y")
    reshaping.check([A], square)
    assert reshaping.run([x], [A], square, "single").tolist() == [[[0, 1], [2, 3]]]
    padded = dataclasses.replace(A, name="y", shape=(7,))
    padding = Padding("p", ("a",), "y", (1,), (2,))
    padding.check([A], padded)
    assert padding.run([x], [A], padded, "single").tolist() == [[10, 0, 1, 2, 3, 10, 10]]


@pytest.mark.parametrize(
    ("operation", "target", "message"),
    [
        (Concatenation("c", ("a",), "y", 0), A, "an axis behind that of the batch"),
        (Concatenation("c", ("a",), "y", 1), B, "the same codes"),
        (Reshaping("c", ("a",), "y"), dataclasses.replace(A, shape=(5,)), "as many codes as before"),
        (Padding("c", ("a",), "y", (1, 1), (0, 0)), A, "widths for each axis"),
        (Padding("c", ("a",), "y", (-1,), (0,)), A, "widths to 4095"),
    ],
)
def test_moves_that_cannot_be_are_refused(operation, target, message):
    with pytest.raises(DataError, match=f"c: expected .*{message}"):
        operation.check([A], target)
