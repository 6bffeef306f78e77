"""Tests of tensors of codes."""

import dataclasses

import numpy as np
import pytest

from source.config.errors import DataError
from source.exporter.integer.tensor import Codes

CODES = Codes("x", (2,), -128, 127, 0.5, -28)


def test_bits_types_and_centred_ends():
    assert (CODES.bits, CODES.dtype, CODES.centred) == (8, np.int8, (-100, 155))
    four = dataclasses.replace(CODES, low=0, high=15, zero_point=0)
    assert (four.bits, four.dtype) == (4, np.uint8)
    assert dataclasses.replace(CODES, low=-1, high=200, zero_point=0).dtype == np.int16
    assert dataclasses.replace(CODES, low=0, high=40000, zero_point=0).dtype == np.uint16


def test_numbers_become_codes_with_ties_upwards_and_ends_kept():
    numbers = np.array([[0.0, 0.25], [-0.25, 1e9], [-1e9, 0.24]])
    codes = CODES.rounded(numbers)
    assert codes.tolist() == [[-28, -27], [-28, 127], [-128, -28]]
    assert CODES.numbers(codes)[0].tolist() == [0.0, 0.5]
    assert CODES.numbers(codes).dtype == np.float32


def test_nan_has_no_code():
    with pytest.raises(DataError, match=r"x: expected numbers\. Received: NaN"):
        CODES.rounded(np.array([np.nan]))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros((1, 3), np.int8), r"expected integers of shape \(b, 2,\)\. Received: int8 of shape \(1, 3\)"),
        (np.zeros((1, 2), np.float32), "Received: float32"),
        (np.full((1, 2), 128), r"codes are in \[-128, 127\]\. Received: 128 to 128"),
    ],
)
def test_codes_that_do_not_fit_are_refused(given, message):
    with pytest.raises(DataError, match=message):
        CODES.checked(given)


def test_codes_that_fit_are_kept_in_their_type():
    assert CODES.checked(np.array([[1, -2]], np.int64)).dtype == np.int8
    assert CODES.empty().shape == (0, 2)
    assert CODES.same_numbers(dataclasses.replace(CODES, name="y"))
    assert not CODES.same_numbers(dataclasses.replace(CODES, scale=0.25))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shape": (0,)}, "lengths of a shape are positive"),
        ({"low": 127}, "at most 16 bits"),
        ({"high": 1 << 16}, "at most 16 bits"),
        ({"zero_point": 128}, r"zero has a code in \[-128, 127\]\. Received: 128"),
        ({"scale": 0.0}, r"positive and finite\. Received: 0\.0"),
        ({"scale": float("nan")}, "positive and finite"),
    ],
)
def test_tensors_that_cannot_be_are_refused(change, message):
    CODES.check()
    with pytest.raises(DataError, match=message):
        dataclasses.replace(CODES, **change).check()
