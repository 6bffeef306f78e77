"""Tests of the mark of approximate layers."""

import numpy as np

from source.layer.approximated import Approximated
from source.layer.transformation import copies_of


def test_it_changes_nothing_and_leaves_no_trace():
    mark = Approximated("softmax<base2,float16>")
    x = np.float32([[1.5, -np.inf, np.nan]])
    np.testing.assert_array_equal(mark(x), x)
    assert mark.lasting() is None


def test_it_says_how_far_off_the_layer_was():
    mark = Approximated("gelu<poly2,float16>")
    assert mark.description == "gelu<poly2,float16>"
    mark(np.zeros((1, 2), "float32"))
    assert mark.description == "gelu<poly2,float16>"
    mark.set_error(0.01234)
    assert mark.description == "gelu<poly2,float16>, off by at most 0.012"
    [copied] = copies_of([mark])
    assert copied.description == mark.description
