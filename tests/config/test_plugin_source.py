"""Tests of reading classes and types from sources."""

import ast
from typing import Any, Literal

import pytest

from source.config import config
from source.config.plugin_source import class_in, class_of, hint_of, module_source, type_text


def expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


@pytest.mark.parametrize(
    ("text", "shown", "hint"),
    [
        ("int", "int", int),
        ("float | None", "float | None", float | None),
        ("None | str", "None | str", None | str),
        ("Literal['a', 'b']", "'a' | 'b'", Literal["a", "b"]),
        ("Literal['a']", "'a'", Literal["a"]),
        ("Paths", "Paths", config.Paths),
        ("dict[str, Any]", "dict[str, Any]", dict),
        ("tuple[int, ...]", "tuple[int, ...]", Any),
        ("Unheard | None", "Unheard | None", Any),
    ],
)
def test_annotations_are_types(text, shown, hint):
    assert type_text(expression(text)) == shown
    assert hint_of("source.config.config", expression(text)) == hint


def test_classes_are_followed_through_imports():
    assert class_in("source.network.lenet5", "NetworkConfig") == ("source.config.config", "NetworkConfig")
    assert class_in("source.network.lenet5", "Config") == ("source.network.lenet5", "Config")
    assert class_in("source.network.lenet5", "NoSuchClass") is None
    assert class_of("source.network.lenet5", expression("f()")) is None


@pytest.mark.parametrize("name", ["no.such.module", "sys", "math"])
def test_what_has_no_source_is_empty(name):
    assert module_source(name).body == []
