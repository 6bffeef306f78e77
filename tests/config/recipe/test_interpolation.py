"""Tests of references."""

import sys

import pytest

from source.config.errors import ConfigError
from source.config.recipe.interpolation import resolved
from source.config.recipe.tree import expanded, plain
from source.config.recipe.yaml_text import read_yaml


def tree_of(text):
    return expanded(read_yaml(text, "a.yaml"))


def read(text):
    return plain(resolved(tree_of(text)))


def test_a_whole_value_keeps_its_type():
    text = "a: 1\nb: ${a}\nc: ${d}\nd: {e: [1, 2]}\nf: ${d.e[1]}\ng: ${ d.e }\nh: null\ni: ${h}\nj: ${d.e.0}"
    assert read(text) == {
        "a": 1,
        "b": 1,
        "c": {"e": [1, 2]},
        "d": {"e": [1, 2]},
        "f": 2,
        "g": [1, 2],
        "h": None,
        "i": None,
        "j": 1,
    }


def test_part_of_a_text_is_text():
    assert read("a: 1\nb: x/${a}/${c}\nc: y${a}")["b"] == "x/1/y1"


def test_dots_begin_at_the_mapping_around():
    assert read("a: {b: 1, c: '${.b}', d: {e: '${..b}', f: '${.e}'}}\nb: 5")["a"] == {
        "b": 1,
        "c": 1,
        "d": {"e": 1, "f": 1},
    }


def test_references_are_looked_up_last():
    assert read("a: ${b}\nb: ${c}\nc: 3") == {"a": 3, "b": 3, "c": 3}


def test_the_environment_is_read(monkeypatch):
    monkeypatch.setenv("SOME_NAME", "here")
    monkeypatch.delenv("NO_NAME", raising=False)
    found = read("a: ${oc.env:SOME_NAME}\nb: ${oc.env:SOME_NAME}/x\nc: ${oc.env:NO_NAME,else}")
    assert found == {"a": "here", "b": "here/x", "c": "else"}


def test_values_have_the_place_of_the_reference():
    found = resolved(tree_of("a: {b: 1}\nc: ${a}"))
    assert str(found.value["c"].value["b"].place) == "a.yaml:2"


def test_without_references_nothing_is_loaded(monkeypatch):
    monkeypatch.setitem(sys.modules, "omegaconf", None)
    assert read("a: 1\nb: $x {}") == {"a": 1, "b": "$x {}"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: ???", "a.yaml:1: a: needs a value: a=VALUE."),
        ("lenght: 1\na: ${length}", "a.yaml:2: a: there is no 'length' to refer to. Did you mean `lenght`?"),
        ("a: ${a}", "a.yaml:1: a: refers to itself."),
        ("a: ${b}\nb: ${a}", "a.yaml:1: a: refers to itself."),
        ("a: {b: '${a}'}", "a.yaml:1: a: refers to itself."),
        ("a: ${b", "a.yaml:1: a: `${` begins a reference, such as ${a.b}. Received: '${b'."),
        ("a: ${${b}}", "a.yaml:1: a: `${` begins a reference, such as ${a.b}. Received: '${${b}}'."),
        ("a: ${}", "a.yaml:1: a: expected a path between the braces of ${a.b}. Received: ''."),
        ("a: ${b c}", "a.yaml:1: a: expected a path between the braces of ${a.b}. Received: 'b c'."),
        (
            "a: ${oc.decode:1}",
            "a.yaml:1: a: there is no '${oc.decode:...}'. `${a.b}` is the value at a.b, `${oc.env:NAME,default}` a "
            "variable of the environment.",
        ),
        (
            "a: ${oc.env:'}",
            'a.yaml:1: a: expected ${oc.env:NAME} or ${oc.env:NAME,default}. Received: "${oc.env:\'}".',
        ),
        ("a: x${b}\nb: [1]", "a.yaml:1: a: b is a list, which cannot stand inside a text. Refer to one value of it."),
        (
            "a: x${b}\nb: {c: 1}",
            "a.yaml:1: a: b is a mapping, which cannot stand inside a text. Refer to one value of it.",
        ),
    ],
)
def test_what_refers_to_nothing_is_told(text, message):
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert str(caught.value) == message


def test_a_variable_that_is_not_set_is_told(monkeypatch):
    monkeypatch.delenv("NO_NAME", raising=False)
    with pytest.raises(ConfigError, match=r"^a\.yaml:1: a: .*'NO_NAME' not found"):
        read("a: ${oc.env:NO_NAME}")


@pytest.mark.parametrize("value", ["${b}", "???", "x\x1by"])
def test_the_environment_gives_no_references(monkeypatch, value):
    monkeypatch.setenv("SOME_NAME", value)
    with pytest.raises(ConfigError, match=r"^a\.yaml:1: "):
        read("a: ${oc.env:SOME_NAME}\nb: 1")


def test_references_that_multiply_are_refused():
    lines = ["a0: xxxxxxxxxx", *(f"a{n}: {f'${{a{n - 1}}}' * 10}" for n in range(1, 9))]
    with pytest.raises(ConfigError, match=r"a\d: references make more than 4,000,000 characters\.$"):
        read("\n".join(lines))


@pytest.mark.parametrize("order", [1, -1])
def test_references_that_make_deep_values_are_refused(order):
    lines = [f"a{n}: {{b: '${{a{n + 1}}}'}}" for n in range(200)]
    with pytest.raises(
        ConfigError, match=r"(values that stand in more than 64 others|references refer to references)\.$"
    ):
        read("\n".join([*lines[::order], "a200: 1"]))


@pytest.mark.parametrize("text", ["${" + " " * 20_000, "${a" + ".b" * 20_000 + "}", "${" * 20_000])
def test_odd_references_are_told_at_once(text):
    with pytest.raises(ConfigError):
        read(f"a: '{text}'")
