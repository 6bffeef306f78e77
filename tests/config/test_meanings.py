"""Tests of what docstrings say of settings."""

import pytest

from source.config.meanings import attribute_meanings

TEXT = """What one takes.

    Attributes:
        names: of the
            classes.
        size: rows.

    A closing paragraph is no attribute.
    """


def test_meanings_end_where_the_section_ends():
    assert attribute_meanings(TEXT) == {"names": "of the classes.", "size": "rows."}


@pytest.mark.parametrize("docstring", [None, "", "One line.", "One line.\n\nArgs:\n    size: rows."])
def test_no_section_has_no_meanings(docstring):
    assert attribute_meanings(docstring) == {}
