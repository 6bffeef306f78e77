"""Tests of reading YAML as plain values with their places."""

import pytest

from source.config.errors import ConfigError
from source.config.recipe.tree import plain
from source.config.recipe.yaml_text import Located, Place, check_printable, in_one_line, read_yaml, write_yaml


def read(text):
    return plain(read_yaml(text, "a.yaml"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("1", 1), ("-0", 0), ("1e-3", 0.001), (".5", 0.5), ("1.", 1.0), ("+2", 2), ("5e3", 5000.0)),
        *(("true", True), ("FALSE", False), ("null", None), ("~", None), ("", None)),
        *(("on", "on"), ("no", "no"), ("12:30", "12:30"), ("0x1F", "0x1F"), ("007", "007"), ("1_000", "1_000")),
        *((".inf", ".inf"), ("2024-01-01", "2024-01-01"), ("'1'", "1"), ("<<", "<<"), ("=", "=")),
        *(("{1: a, 2.5: b}", {"1": "a", "2.5": "b"}), ("[1, [a]]", [1, ["a"]]), ("!!str 1", "1"), ("!!int 1", 1)),
    ],
)
def test_scalars_are_those_of_json(text, value):
    assert read(text) == value
    assert type(read(text)) is type(value)


def test_every_value_has_its_line():
    tree = read_yaml("a: 1\nb:\n  - x\n  - y\n", "a.yaml")
    assert str(tree.value["a"].place) == "a.yaml:1"
    assert tree.value["b"].value[1] == Located("y", Place("a.yaml", 4))
    assert str(read_yaml("a: 1", "command line", numbered=False).value["a"].place) == "command line"


def test_anchors_are_shared_and_merge_keys_give_way():
    text = "x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\nz: {<<: [{a: 5}, *x]}\nw: {a: 9, <<: *x}\n"
    found = read(text)
    assert found["y"] == {"a": 1, "b": 3}
    assert found["z"] == {"a": 5, "b": 2}
    assert found["w"] == {"a": 9, "b": 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a: [1",
            "a.yaml:1: this is no YAML: while parsing a flow sequence, expected ',' or ']', but got '<stream end>'.",
        ),
        ("a: 1\na: 2", "a.yaml:2: the key `a` comes twice in this mapping."),
        ("? [a]\n: b", "a.yaml:1: expected text as a key. Received: a list or mapping."),
        ("true: 1", "a.yaml:1: expected text as a key. Received: 'true'."),
        ("'': 1", "a.yaml:1: expected text as a key. Received: ''."),
        ("a: &a [*a]", "a.yaml:1: values stand in more than 64 others, or an alias in itself."),
        ("[" * 70 + "]" * 70, "a.yaml:1: values stand in more than 64 others, or an alias in itself."),
        ("[" * 900, "a.yaml: values stand in more than 64 others."),
        ("a: *b", "a.yaml:1: this is no YAML: found undefined alias 'b'."),
        (
            "a\n---\nb",
            "a.yaml:2: this is no YAML: expected a single document in the stream, but found another document.",
        ),
        (
            "\na: !!python/object/apply:os.system [ls]",
            "a.yaml:2: expected a plain value. Received the tag 'tag:yaml.org,2002:python/object/apply:os.system'; "
            "tags make nothing here.",
        ),
        ("!x y", "a.yaml:1: expected a plain value. Received the tag '!x'; tags make nothing here."),
        (
            "!!map [a]",
            "a.yaml:1: expected a plain value. Received the tag 'tag:yaml.org,2002:map'; tags make nothing here.",
        ),
        ("!!int x", "a.yaml:1: 'x' is not what its tag 'tag:yaml.org,2002:int' says."),
        ("1" * 5000, "a.yaml:1: a number of 5,000 digits is none that a setting could have."),
        ("1e999", "a.yaml:1: '1e999' is larger than any number of a computer."),
        ("a: {<<: 1}", "a.yaml:1: `<<` expects a mapping, or a list of them."),
        ('"\\0"', "a.yaml:1: the character '\\x00' cannot be printed, so it has no place in a recipe."),
        ("\ud800", "a.yaml: the character '\\ud800' cannot be printed, so it has no place in a recipe."),
        ('"\\UFFFFFFFF"', "a.yaml: expected YAML. Python int too large to convert to C int."),
        ("x" * 4_000_001, "a.yaml: expected a recipe. Received 4,000,001 characters of text."),
    ],
)
def test_what_is_not_plain_is_refused(text, message):
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert str(caught.value) == message


def test_aliases_of_aliases_do_not_explode():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(ConfigError, match=r"^a\.yaml:\d: aliases make more than 100,000 values of this recipe\.$"):
        read("\n".join(lines))


@pytest.mark.parametrize(
    "value",
    [
        *(
            "1e-3",
            "1",
            "true",
            "",
            " a ",
            "a: b",
            "#x",
            "*x",
            "a\nb",
            "\t",
            "🦊",
            "on",
            "<<",
            "0o7",
            "null",
            "- a",
            "'",
            '"',
        ),
        *(1.0, 1e-5, 1e22, -0.5, 10**300, True, None, [], {}, ["a, b", {"c d": [1]}], {"a:": {"": None} and {"b": ""}}),
    ],
)
def test_what_is_written_is_read_as_the_same(value):
    assert read(write_yaml({"x": value})) == {"x": value}
    assert read(f"x: {in_one_line(value)}") == {"x": value}
    assert "\n" not in in_one_line(value)


def test_what_comes_twice_is_written_twice():
    shared = [1]
    assert write_yaml({"a": shared, "b": shared}) == "a:\n- 1\nb:\n- 1\n"


def test_printable_text_has_breaks_and_tabs():
    check_printable("a\n\tä🦊", Place("x"))
    with pytest.raises(ConfigError, match=r"^x:3: the character '\\x1b' cannot be printed"):
        check_printable("\x1b[31m", Place("x", 3))
