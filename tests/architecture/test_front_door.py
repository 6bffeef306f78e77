"""Tests of `espalier/`, which fetches every public name from its room and defines none."""

import pytest

import espalier


def test_every_public_name_is_the_one_of_its_room():
    from source.config.config import InputterConfig
    from source.config.plugin import resolve

    assert espalier.InputterConfig is InputterConfig
    assert espalier.resolve is resolve


def test_the_list_of_public_names_is_complete_and_sorted():
    assert espalier.__all__ == sorted(espalier._HOME)
    assert set(espalier.__all__) <= set(dir(espalier))
    assert all(getattr(espalier, name) is not None for name in espalier.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module `espalier` has no attribute `nothing`"):
        _ = espalier.nothing
