"""Tests of values as messages show them."""

import pytest

from source.config.shown import shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.5, "1.5"),
        ("a", "'a'"),
        ("abcdefgh", "'abcd..."),
        ([1, 2, 3, 4, 5], "[1, 2..."),
        (None, "None"),
        pytest.param(10**5000, "a number of too many digits", id="huge"),
    ],
)
def test_long_values_are_cut(value, text):
    assert shown(value, 8) == text
