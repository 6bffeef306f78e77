"""Tests of the text made of configuration classes."""

import dataclasses
from typing import Annotated, Literal

import pytest

from source.command.settings_text import Setting, describe, type_text


@dataclasses.dataclass(frozen=True, kw_only=True)
class Base:
    """What is shared.

    Attributes:
        size: pixels on
            a side.
        mode: how.
    """

    size: int
    mode: Literal["fast", "exact"] = "fast"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(Base):
    """What one takes.

    Attributes:
        names: of the classes.
        size: rows.

    A closing paragraph is no attribute.
    """

    names: tuple[str, ...] = ()
    options: dict[str, int] = dataclasses.field(default_factory=dict)
    size: int = 8


def test_own_settings_come_first_and_the_nearest_meaning_wins():
    assert describe(Config) == [
        Setting(name="size", type="int", default="8", meaning="rows.", owner=Config),
        Setting(name="names", type="tuple[str, ...]", default="()", meaning="of the classes.", owner=Config),
        Setting(name="options", type="dict[str, int]", default="{}", meaning="", owner=Config),
        Setting(name="mode", type="'fast' | 'exact'", default="'fast'", meaning="how.", owner=Base),
    ]


def test_classes_of_one_name_are_kept_apart():
    class Derived(Config):
        """Without a setting of its own."""

    Derived.__name__ = "Base"
    assert [setting.owner for setting in describe(Derived)] == [Config, Config, Config, Base]


def test_a_field_without_default_has_none():
    assert describe(Base)[0] == Setting(name="size", type="int", default=None, meaning="pixels on a side.", owner=Base)


@pytest.mark.parametrize(
    ("hint", "text"),
    [
        (int, "int"),
        (int | None, "int | None"),
        (tuple[float, ...], "tuple[float, ...]"),
        (Annotated[tuple[str, ...], "a validator"], "tuple[str, ...]"),
        (Annotated[tuple[str, ...] | str, "a validator"] | None, "tuple[str, ...] | str | None"),
        (Literal["a", 1], "'a' | 1"),
        (dict[str, list[int]], "dict[str, list[int]]"),
    ],
)
def test_types_are_written_as_a_user_would(hint, text):
    assert type_text(hint) == text
