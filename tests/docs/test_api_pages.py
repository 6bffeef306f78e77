"""Tests of what the reference pages hold and of how docstrings are read for them."""

import dataclasses
import importlib.util
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="the documentation's own dependencies are not installed")

_FILE = Path(__file__).resolve().parents[2] / "docs" / "_ext" / "api_pages.py"
_SPEC = importlib.util.spec_from_file_location("api_pages", _FILE)
api_pages = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(api_pages)


@pytest.fixture
def room(tmp_path) -> Path:
    """A room with a public and a private module."""
    folder = tmp_path / "network"
    folder.mkdir()
    (folder / "__init__.py").write_text('"""Architectures."""\n')
    (folder / "_block.py").write_text("def hidden(): ...\n")
    (folder / "tiny.py").write_text(
        "class Config:\n    def size(self): ...\n    def _area(self): ...\ndef build(): ...\ndef _help(): ...\n"
    )
    return folder


def test_public_names_are_modules_and_what_they_define(room):
    assert list(api_pages.public_names(room)) == [
        "source.network",
        "source.network.tiny",
        "source.network.tiny.Config",
        "source.network.tiny.Config.size",
        "source.network.tiny.build",
    ]


def test_a_page_names_every_public_module(room):
    assert api_pages.room_page(room) == (
        "network\n=======\n\n.. automodule:: source.network\n\ntiny\n----\n\n.. automodule:: source.network.tiny\n"
    )


def test_rooms_are_found_by_existing(room):
    assert api_pages.rooms(room.parent) == [room]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a*b and |x| of w_.", r"a\*b and \|x\| of w\_."),
        ("the product `a * b` of ``c|d``", "the product `a * b` of ``c|d``"),
        (
            "see https://arxiv.org/abs/1512.03385_ and snake_case",
            "see https://arxiv.org/abs/1512.03385_ and snake_case",
        ),
    ],
)
def test_text_outside_of_code_is_no_markup(written, read):
    assert api_pages.plain(written) == read


def test_settings_show_type_and_default():
    @dataclasses.dataclass
    class Config:
        """One.

        Attributes:
            width: units.
        """

        width: int | None = 3

    lines = ["One.", "", "Attributes:", "    width: units.", "    other: not a field."]
    assert api_pages.with_types(Config, lines) == [
        "One.",
        "",
        "Attributes:",
        "    width: ``int | None = 3``: units.",
        "    other: not a field.",
    ]


def test_settings_of_a_private_base_are_added():
    @dataclasses.dataclass
    class Shared:
        """Shared.

        Attributes:
            depth: layers.
        """

        depth: int = 20

    @dataclasses.dataclass
    class Config(Shared):
        """One."""

    assert api_pages.with_types(Config, ["One."]) == ["One."]
    Shared.__module__ = "source.network._shared"
    assert api_pages.with_types(Config, ["One."]) == [
        "One.",
        "",
        "Attributes:",
        "    depth: ``int = 20``: layers.",
    ]
