"""Tests of merging trees."""

import pytest

from source.config.errors import ConfigError
from source.config.recipe import tree
from source.config.recipe.yaml_text import Place, read_yaml


def read(text, source="a"):
    return tree.expanded(read_yaml(text, source))


def merge(*texts):
    found = read(texts[0])
    for text in texts[1:]:
        found = tree.merged(found, read(text, "b"))
    return tree.plain(found)


def test_dotted_keys_are_mappings_at_every_level():
    assert merge("a.b: 1\na.c.d: 2\nx: [{e.f: 3}]\na: {g: 4}") == {
        "a": {"b": 1, "c": {"d": 2}, "g": 4},
        "x": [{"e": {"f": 3}}],
    }


def test_mappings_merge_and_all_else_replaces():
    assert merge("{a: {b: 1, c: [1, 2]}, d: 5}", "{a: {c: [3]}, d: {e: 1}}") == {"a": {"b": 1, "c": [3]}, "d": {"e": 1}}
    assert merge("a: {b: 1}", "a: null") == {"a": None}
    assert merge("a: null", "a: {b: 1}") == {"a": {"b": 1}}


def test_places_of_a_list_can_be_replaced():
    assert merge("m: [{s: 1, t: 2}, x]", "m.0.s: 9", "m.1: y") == {"m": [{"s": 9, "t": 2}, "y"]}


@pytest.mark.parametrize("place", ["2", "1" * 5000])
def test_a_place_that_the_list_does_not_have_is_told(place):
    key = place if len(place) < 50 else f"'{place[:60]}'"
    with pytest.raises(ConfigError, match=r"^b:1: expected a place in a list of 2, from 0\. Received: \d{1,20}\.$"):
        merge("m: [x, y]", f"m: {{{key}: z}}")


@pytest.mark.parametrize("key", ["a..b", ".a", "a."])
def test_a_key_with_an_empty_part_is_told(key):
    with pytest.raises(ConfigError, match=rf"^a:1: x\.{key}: a part of this key is empty\.$"):
        read(f"x: {{{key}: 1}}")


def test_keys_are_neither_deep_nor_long_without_end():
    with pytest.raises(ConfigError, match=r"^a:1: a\.a\..*: values stand in more than 64 others\.$"):
        read("a." * 64 + "a: 1")
    with pytest.raises(ConfigError, match=r"^a:1: x{101}: a key of 101 characters is too long\.$"):
        read("x" * 101 + ": 1")


def test_values_are_found_by_their_paths():
    found = read("a: {b: [1, {c: 2}]}")
    assert tree.at(found, ("a", "b", "1", "c")).value == 2
    assert [tree.at(found, path) for path in [("x",), ("a", "b", "2"), ("a", "b", "x"), ("a", "b", "0", "y")]] == [
        None
    ] * 4
    assert tree.at(found, ("a", "b", "1" * 5000)) is None
    assert tree.nearest_above(found, ("a", "b", "1", "z")).value.keys() == {"c"}
    assert tree.nearest_above(found, ("z",)) is found


def test_leaves_have_their_paths():
    found = read("a: {b: [1, []]}\nc: {}")
    assert [(tree.dotted(path), tree.plain(leaf)) for path, leaf in tree.leaves(found)] == [
        ("a.b.0", 1),
        ("a.b.1", []),
        ("c", {}),
    ]


def test_the_later_place_is_kept():
    found = tree.merged(read("a: 1"), read("\na: 2", "b"))
    assert found.value["a"].place == Place("b", 2)


def test_long_paths_are_cut():
    assert tree.dotted(["a" * 150, "b" * 150]) == "a" * 150 + "." + "b" * 49 + "..."
