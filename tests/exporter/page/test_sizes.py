"""Tests of bytes in words."""

import pytest

from source.exporter.page.sizes import size_text


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (999_400, "999 kB"), (999_600, "1000 kB"), (2_340_000, "2.34 MB")],
)
def test_bytes_are_told_in_three_digits(size, text):
    assert size_text(size) == text
