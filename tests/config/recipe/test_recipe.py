"""Tests of recipes put together from files and settings."""

import os

import pytest

from source.config.errors import ConfigError, DataError
from source.config.recipe.recipe import Recipe, find_file, resolved_file, shipped_files
from source.config.recipe.tree import at, plain


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Returns what writes a file below an empty folder, which is the present one."""
    monkeypatch.chdir(tmp_path)

    def write(name, text):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())

    return write


def made(*words, **defaults):
    recipe = Recipe(defaults)
    for word in words:
        recipe.add_setting(word) if "=" in word else recipe.add_file(word)
    return recipe


def read(*words, **defaults):
    return plain(made(*words, **defaults).resolved())


def test_what_comes_later_wins(write):
    write("a.yaml", "x: {y: 1, z: 1}\nl: [1, 2]")
    write("b.yaml", "x.y: 2\nl: [3]")
    assert read("a.yaml", "b.yaml", "x.z=3", w=0) == {"w": 0, "x": {"y": 2, "z": 3}, "l": [3]}
    assert read("x.z=3", "a.yaml")["x"] == {"z": 1, "y": 1}


def test_bases_come_first_relative_to_the_file(write):
    write("sub/a.yaml", "_base: [one.yaml, ../two.yaml]\nx: 3")
    write("sub/one.yaml", "x: 1\ny: 1\nz: 1")
    write("two.yaml", "x: 2\ny: 2")
    assert read("sub/a.yaml") == {"x": 3, "y": 2, "z": 1}


def test_shipped_recipes_are_found_everywhere(write):
    write("a.yaml", "_base: data/digits.yaml\nnum_classes: 3")
    assert read("a.yaml")["inputter"] == {"name": "digits"}
    assert read("a.yaml")["num_classes"] == 3
    write("data/digits.yaml", "mine: true")
    assert read("data/digits.yaml") == {"mine": True}
    recipe = Recipe()
    recipe.add_shipped("data/digits.yaml")
    assert plain(recipe.resolved())["inputter"] == {"name": "digits"}
    assert recipe.files == []


def test_private_keys_are_dropped_at_the_end(write):
    write("a.yaml", "_x: {y: 2}\na: ${_x.y}\nb: {_c: 1, d: [{_e: 1, f: 2}]}")
    assert read("a.yaml", "_x.y=5") == {"a": 5, "b": {"d": [{"f": 2}]}}


def test_another_plugin_loses_the_settings_of_the_one_before(write):
    write("a.yaml", "network: {name: one, width: 3}\ncompressor: {name: c, rules: []}")
    assert read("a.yaml", "network={name: two, depth: 1}")["network"] == {"name": "two", "depth": 1}
    assert read("a.yaml", "network.name=two")["network"] == {"name": "two"}
    assert read("a.yaml", "network.name=one")["network"] == {"name": "one", "width": 3}
    assert read("a.yaml", "network=two")["network"] == "two"
    assert read("a.yaml", "network=one")["network"] == {"name": "one", "width": 3}
    assert read("a.yaml", "compressor=null")["compressor"] is None


def test_a_part_that_is_only_named_can_get_settings(write):
    assert read("network=one", "network.width=2")["network"] == {"name": "one", "width": 2}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("1e-3", 0.001), ("null", None), ("", None), ("[1, a]", [1, "a"]), ("{a: 1}", {"a": 1}), ("'1'", "1")),
        *(("*.png", "*.png"), ("a: b: c", "a: b: c"), ("!x", "!x"), ("a=b", "a=b"), ("@x", "@x"), ("a,b", "a,b")),
    ],
)
def test_a_value_is_yaml_or_the_text_as_it_stands(text, value):
    assert read(f"x={text}") == {"x": value}


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("=1", "command line: expected key=value. Received: '=1'."),
        ("a..b=1", "command line: expected key=value. Received: 'a..b=1'."),
        ("_base=a.yaml", "command line: _base: stands in files. Name the file itself: 'a.yaml'."),
        (
            "x=[1",
            "command line: this is no YAML: while parsing a flow sequence, expected ',' or ']', "
            "but got '<stream end>'.",
        ),
        ("x=a\0b", "command line: the character '\\x00' cannot be printed, so it has no place in a recipe."),
    ],
)
def test_settings_that_are_none_are_told(word, message):
    with pytest.raises(ConfigError) as caught:
        made(word)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.yaml": "[1]"}, "a.yaml:1: expected a mapping of settings. Received: [1]."),
        ({"a.yaml": "_base: a.yaml"}, "a.yaml: `_base` leads back to the same file: a.yaml -> a.yaml."),
        (
            {"a.yaml": "_base: b.yaml", "b.yaml": "_base: a.yaml"},
            "a.yaml: `_base` leads back to the same file: a.yaml -> b.yaml -> a.yaml.",
        ),
        ({"a.yaml": "_base: [[b]]"}, "a.yaml:1: _base: expected the name of a recipe file, or a list of them."),
        ({"a.yaml": "_base: ${b}"}, "a.yaml:1: _base: files are read before references are looked up. Name the file."),
        ({"a.yaml": b"a: \xff"}, "a.yaml: expected text in UTF-8. Byte 3 is none."),
        ({"a.yaml": b"x" * 4_000_001}, "a.yaml: expected a recipe. Received a file of more than 4,000,000 bytes."),
        (
            {
                "a.yaml": "_base: [b.yaml, b.yaml, b.yaml, b.yaml, b.yaml, b.yaml]",
                "b.yaml": f"_base: [{'c.yaml, ' * 40}]",
                "c.yaml": "",
            },
            "c.yaml: expected at most 200 files that name each other by `_base`.",
        ),
    ],
)
def test_files_that_are_no_recipes_are_told(write, files, message):
    for name, text in files.items():
        write(name, text)
    with pytest.raises((ConfigError, DataError)) as caught:
        made("a.yaml")
    assert str(caught.value) == message


def test_a_file_that_is_not_there_offers_the_nearest(write):
    with pytest.raises(
        ConfigError, match=r"^network/lenet6\.yaml: there is no such recipe file, .*`network/lenet5\.yaml`"
    ):
        find_file("network/lenet6.yaml")
    with pytest.raises(ConfigError, match=r"Did you mean `network/lenet5\.yaml`\?$"):
        find_file("lenet5.yaml")


@pytest.mark.parametrize("name", ["a\0.yaml", "a\n.yaml", "\ud800.yaml"])
def test_a_name_that_cannot_be_printed_is_none(write, name):
    with pytest.raises(ConfigError, match=r"^command line: expected the name of a recipe file\. Received: "):
        find_file(name)


@pytest.mark.parametrize("name", ["x" * 5000, ".", "/dev/zero", "~no_such_user/x.yaml"])
def test_what_is_no_file_is_not_found(write, name):
    with pytest.raises(ConfigError, match="there is no such recipe file"):
        find_file(name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(write):
    write("a.yaml", "")
    os.chmod("a.yaml", 0)
    with pytest.raises(DataError, match=r"^a\.yaml: cannot be read: Permission denied\.$"):
        made("a.yaml")


def test_a_mark_of_the_byte_order_is_no_text(write):
    write("a.yaml", b"\xef\xbb\xbfa: 1\n")
    assert read("a.yaml") == {"a": 1}
    write("b.yaml", "")
    assert read("b.yaml") == {}


def test_places_tell_files_and_lines(write):
    write("a.yaml", "x:\n  y: 1\n")
    found = made("a.yaml", "x.z=1", w=1).resolved()
    assert [str(at(found, path).place) for path in (("x", "y"), ("x", "z"), ("w",))] == [
        "a.yaml:2",
        "command line",
        "default",
    ]


def test_one_file_can_be_resolved_alone(write, tmp_path):
    write("a.yaml", "_base: b.yaml\nx: ${y}")
    write("b.yaml", "y: 2")
    assert plain(resolved_file(tmp_path / "a.yaml")) == {"y": 2, "x": 2}


def test_shipped_recipes_are_listed_without_rules_of_imports():
    names = shipped_files()
    assert {"default.yaml", "network/lenet5.yaml", "data/mnist.yaml"} <= set(names)
    assert not any(name.startswith("import/") for name in names)
    assert names == sorted(names)
