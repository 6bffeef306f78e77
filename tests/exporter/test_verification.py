"""Tests of how far a file is from its model."""

import math

import numpy as np
import pytest

from source.exporter.verification import as_examples, difference, differences, made_examples


def test_equal_outputs_differ_by_nothing():
    x = np.array([[1.0, 2.0], [4.0, 3.0]])
    found = difference(x, x)
    assert (found.largest, found.mean, found.reference_range, found.agreement) == (0.0, 0.0, 3.0, 1.0)
    assert found.relative == 0.0


def test_the_largest_difference_is_a_share_of_the_range():
    found = difference(np.array([[0.0, 4.0], [1.0, 3.0]]), np.array([[0.0, 3.0], [1.0, 0.0]]))
    assert (found.largest, found.mean, found.reference_range, found.relative) == (3.0, 1.0, 4.0, 0.75)
    assert found.agreement == 0.5


def test_one_number_an_example_has_no_agreement():
    assert difference(np.zeros((3, 1)), np.zeros((3, 1))).agreement is None


def test_a_constant_output_has_differences_as_they_are():
    assert difference(np.ones((3, 1)), np.ones((3, 1)) + 0.5).relative == 0.5


@pytest.mark.parametrize(
    "found", [np.array([[1.0, math.nan]]), np.array([[1.0, math.inf]]), np.zeros((1, 3)), np.zeros((2,))]
)
def test_other_shapes_and_numbers_that_are_none_differ_infinitely(found):
    assert difference(np.array([[1.0, 2.0]]), found).relative == math.inf


def test_outputs_that_are_missing_differ_infinitely():
    found = differences([np.zeros((2, 2)), np.zeros((2, 2))], [np.zeros((2, 2))])
    assert [each.relative for each in found] == [0.0, math.inf]


def test_made_examples_are_the_same_each_time():
    specs = [((None, 4), "float32"), ((None, None, 2), "int32")]
    first, again = made_examples(specs, 3), made_examples(specs, 3)
    assert [each.shape for each in first] == [(3, 4), (3, 1, 2)]
    assert [each.dtype for each in first] == [np.float32, np.int32]
    assert set(np.unique(first[1])) <= {0, 1}
    for mine, theirs in zip(first, again, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_one_array_is_one_input():
    assert len(as_examples(np.zeros((2, 3)))) == 1
    assert len(as_examples((np.zeros((2, 3)), np.zeros((2, 1))))) == 2
